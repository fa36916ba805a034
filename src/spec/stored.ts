/** A spec as it is stored: its text, and what of it those who store it have to know. */
import type { Cost } from './cost.ts'
import type { ResolvedSpec } from './resolved.ts'

export type StoredSpec = {
  /** The resolved spec as JSON, in UTF-8: bytes go from thread to thread without a copy. */
  json: Uint8Array
  name: string | null
  /** As JSON. */
  tags: string
  dataset: { name: string; sha256?: string }
  training: { iterations: number; initial?: { experiment: string }; trajectory?: string }
  allocation: { segmentIterations: number }
  cost: Cost
}

/** A sweep with its experiments as they are stored. */
export type StoredSweep = {
  name?: string
  variants: string[]
  /** Index into variants. */
  baseline: number
  experiments: { variant: number; spec: StoredSpec }[]
}

export function storedSpec(spec: ResolvedSpec, cost: Cost): StoredSpec {
  const { name, tags, dataset, training, allocation } = spec
  return {
    json: new TextEncoder().encode(JSON.stringify(spec)),
    name: name ?? null,
    tags: JSON.stringify(tags),
    dataset: { name: dataset.name, sha256: dataset.sha256 },
    training: {
      iterations: training.iterations,
      initial: training.initial,
      trajectory: training.trajectory,
    },
    allocation: { segmentIterations: allocation.segmentIterations },
    cost,
  }
}

/** The JSON of a stored spec as text. */
export const textOf = ({ json }: Pick<StoredSpec, 'json'>): string =>
  Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString()
