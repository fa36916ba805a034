/** What a spec is resolved against: the datasets of the registry and the networks of nn/, as facts. */
import type { Config } from './config.ts'
import { datasetFacts } from './data/registry.ts'
import { autoChunkSize, buildNetwork } from './nn/network.ts'
import type { Facts } from './spec/facts.ts'

/**
 * The facts of a place: how many examples a dataset has may depend on which of its files are there, and is looked up
 * anew each time. Without a place every dataset is whole.
 */
export function makeFacts(config?: Pick<Config, 'datasetsDir'>): Facts {
  return {
    get datasets() {
      return datasetFacts(config?.datasetsDir)
    },
    network: buildNetwork,
    chunkSize: autoChunkSize,
  }
}

export const facts = makeFacts()
