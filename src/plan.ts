/** What a spec is resolved against: the datasets of the registry and the networks of nn/, as facts. */
import { datasetFacts } from './data/registry.ts'
import { autoChunkSize, buildNetwork } from './nn/network.ts'
import type { Facts } from './spec/facts.ts'

export const facts: Facts = { datasets: datasetFacts, network: buildNetwork, chunkSize: autoChunkSize }
