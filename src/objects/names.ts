/** The names of objects: of an experiment's, with what the rows of its tensors are, and the keys of what is uploaded. */
import type { SplitName } from '../spec/schema.ts'

type Span = { from: number; to: number }

/** float32 [to − from + 1, parameters]: θ_from … θ_to, both ends. The last row of one segment is the first of the next. */
export const weightsName = ({ from, to }: Span) => `weights/${from}-${to}.npy`
/** float32 [to − from, parameters], a row for each of the iterations from … to − 1. */
export const allocationsName = (split: SplitName, { from, to }: Span) =>
  `allocations/${split}/${from}-${to}.npy`
/** The training before iteration `to`, as workers/tasks/state.ts has it: from here it goes on. Not kept. */
export const stateName = (to: number) => `state/${to}.npy`
/** float32 [to − from, units]. Written whatever the spec keeps: a sum per unit is an aggregate. */
export const neuronsName = (split: SplitName, { from, to }: Span) => `neurons/${split}/${from}-${to}.npy`
/** float32 [vectors, parameters]: what a segment leaves for diagnostics that span segments (lca/diagnostics). Not kept. */
export const seamsName = (split: SplitName, { from, to }: Span) => `seams/${split}/${from}-${to}.npy`
/** float64 [columns, rows]: a table that training leaves of a segment, for whoever allocates it. Not kept. */
export const leftName = (kind: string, { from, to }: Span) => `training/${kind}/${from}-${to}.npy`
export const manifestName = 'manifest.json'

/** The prefix of every object of an uploaded dataset, as Objects.remove takes it. */
export const datasetPrefix = (id: string): string => `datasets/${id}`
export const datasetKey = (id: string, name: string): string => `${datasetPrefix(id)}/${name}`
/** The prefix of every object of a trajectory. */
export const trajectoryPrefix = (id: string): string => `trajectories/${id}`
export const trajectoryKey = (id: string, name: string): string => `${trajectoryPrefix(id)}/${name}`
/** The object of a trajectory that says where each weight lies. */
export const indexName = 'index.json'

/** How many rows a tensor has, and the iterations of its first and its last. */
export type Rows = { rows: number; iterations: { first: number; last: number } }

/** The rows of a tensor that covers the iterations [from, to); weights have one more, since each step has two ends. */
export const rowsOf = (bothEnds: boolean, { from, to }: Span): Rows => ({
  rows: to - from + Number(bothEnds),
  iterations: { first: from, last: bothEnds ? to : to - 1 },
})

const tensorOfSegment = /^(weights|(?:allocations|neurons)\/[a-z]+)\/(\d+)-(\d+)\.npy$/

/** The rows of the object of this name; undefined where it is no tensor of a segment. */
export function rowsNamed(name: string): Rows | undefined {
  const [, kind, from, to] = tensorOfSegment.exec(name) ?? []
  return kind === undefined ? undefined : rowsOf(kind === 'weights', { from: Number(from), to: Number(to) })
}

/** A tensor of all segments, one after the other: served, not stored. `segment` names its objects. */
export type Joined = {
  name: string
  kind: 'weights' | 'allocations' | 'neurons'
  split: SplitName | undefined
  bothEnds: boolean
  segment: (span: Span) => string
}

const joinedWeights: Joined = {
  ...{ name: 'weights.npy', kind: 'weights', split: undefined, bothEnds: true },
  segment: weightsName,
}
const joinedOf = (kind: 'allocations' | 'neurons', split: SplitName): Joined => ({
  ...{ name: `${kind}/${split}.npy`, kind, split, bothEnds: false },
  segment: span => (kind === 'allocations' ? allocationsName : neuronsName)(split, span),
})

/** The joined tensors of an experiment that allocates these splits, by name. */
export const joinedTensors = (splits: readonly SplitName[]): Joined[] =>
  [
    ...(['allocations', 'neurons'] as const).flatMap(kind => splits.map(split => joinedOf(kind, split))),
    joinedWeights,
  ].sort((a, b) => (a.name < b.name ? -1 : 1))
