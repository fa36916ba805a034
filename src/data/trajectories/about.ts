/** What a trajectory is: what was said of it, and where its weights lie. */
import type { VariableFacts } from '../../spec/facts.ts'
import type { ResolvedArchitecture } from '../../spec/resolved.ts'
import type { Layout } from './layouts.ts'

/** What is kept in Postgres. */
export type About = {
  /** As a resolved spec has it: what the network was laid out for. */
  dataset: { name: string; sha256?: string }
  architecture: ResolvedArchitecture
  /** As a spec has it; absent where it is none of ours. */
  optimizer?: unknown
  /** Iterations of the training between two recorded weights. */
  every: number
  layout: Layout
  variables: Pick<VariableFacts, 'name' | 'shape'>[]
  /** The loss over the train split at recorded weights, by their number. */
  losses: { row: number; loss: number }[]
  /** Whether outputs of layers came along. */
  probe: boolean
  /** Present where the optimizer's state came along with every row. */
  state?: RecordedState
}

/** What is known of the optimizer's state beside its values. */
export type RecordedState = {
  /** Updates that the weights had had before the first row. */
  updates: number
  /** λ of each variable: of decoupled decay where the optimizer has it, else λ·θ is part of the gradient that it got. */
  decays: number[]
}

/** A tensor in an object: bytes [offset, …), in C order. `type`: f4, f8, f2 or bf (bfloat16), little-endian. */
export type Place = { offset: number; type: StoredType }
export type StoredType = 'f2' | 'f4' | 'f8' | 'bf'

/**
 * An object of weights: rows of every variable, in the order of the network; with the optimizer's state then slot by slot of every
 * variable, and last the learning rates. Recorded weights [from, from + rows).
 */
export type Part = {
  name: string
  bytes: number
  sha256: string
  from: number
  rows: number
  tensors: Place[]
}

/** An input as the network sees it, and what its layers made of it at the first recorded weights. */
export type Probe = {
  name: string
  bytes: number
  sha256: string
  input: Place & { shape: number[] }
  outputs: { layer: string; place: Place & { shape: number[] } }[]
}

/** trajectories/{id}/index.json */
export type Index = { parts: Part[]; probe?: Probe }

export const typeBytes: Record<StoredType, number> = { f2: 2, bf: 2, f4: 4, f8: 8 }
