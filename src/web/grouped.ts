/** Curves of runs put together by what the runs have in common, and their means with intervals: what the overlay shows of them. */
import type { ExperimentListItem } from '../../clients/typescript/src/index.ts'
import type { SpecDifference } from '../spec/differences.ts'
import { estimate } from '../statistics/intervals.ts'
import { bucketFor } from '../statistics/spans.ts'
import { counted, whole } from './format.ts'

/** Buckets of an axis that is shown, at most. */
const mostBuckets = 240

/** What a curve is of, as far as groups are concerned. */
type Run = { item: Pick<ExperimentListItem, 'id' | 'tags' | 'variant' | 'sweepId'> }
/** Rows of a run in the order of iterations; `thinned`: some between the first and the last may have been left out. */
export type Rows = { iteration: ArrayLike<number>; values: ArrayLike<number>; thinned?: boolean }

/** The last step of the name of a field. */
const lastStep = (path: string) =>
  /"((?:[^"\\]|\\.)*)"$/.exec(path)?.[1] ?? path.slice(path.lastIndexOf('.') + 1)

const words = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

export type Group<C> = { label: string; curves: C[] }

/**
 * The runs by what they have of this tag, variant or field; in the order of its values, those without last. Variants of
 * two sweeps are never one. `differences` are of the runs' specs, each with its values in the order of the runs;
 * a field in which they do not differ puts all of them into one group.
 */
export function groupsOf<C extends Run>(by: string, curves: C[], differences: SpecDifference[]): Group<C>[] {
  const sweeps = new Set(curves.flatMap(({ item }) => item.sweepId ?? []))
  const field = differences.find(({ path }) => `spec.${path}` === by)
  const ownOf = ({ item }: C, i: number): [value: unknown, label: string] => {
    if (by === 'variant') {
      if (item.variant === null) return [null, 'in no sweep']
      // Its own name last: what it does to the direction of text reaches no further.
      const label = sweeps.size > 1 ? `sweep ${item.sweepId?.slice(0, 13)}: ${item.variant}` : item.variant
      return [label, label]
    }
    const name = by.startsWith('tags.') ? by.slice(5) : lastStep(by)
    const value = by.startsWith('tags.')
      ? Object.hasOwn(item.tags, name)
        ? item.tags[name]
        : null
      : field?.values[i]
    if (value === undefined) return [0, `the same ${name}`]
    return [value, value === null ? `without ${name}` : `${name} ${words(value)}`]
  }
  const found = new Map<string, Group<C> & { value: unknown }>()
  for (const [i, curve] of curves.entries()) {
    const [value, label] = ownOf(curve, i)
    const key = JSON.stringify(value)
    const group = found.get(key)
    if (group) group.curves.push(curve)
    else found.set(key, { value, label, curves: [curve] })
  }
  return [...found.values()].sort(
    ({ value: a }, { value: b }) =>
      Number(a === null) - Number(b === null) || inOrder(a, b) || (words(a) < words(b) ? -1 : 1),
  )
}

/** Numbers by their size, also where they are written in a text; texts as words are ordered, with numbers within them. */
function inOrder(a: unknown, b: unknown): number {
  const [x, y] = [a, b].map(value => (value === '' || typeof value === 'object' ? Number.NaN : Number(value)))
  if (Number.isFinite(x - y)) return x - y
  return words(a).localeCompare(words(b), 'en', { numeric: true })
}

/** By what these runs can be grouped so that there are fewer groups than runs. */
export const groupings = (curves: Run[], differences: SpecDifference[]): string[] =>
  [
    ...(curves.some(({ item }) => item.variant !== null) ? ['variant'] : []),
    ...[...new Set(curves.flatMap(({ item }) => Object.keys(item.tags)))]
      .slice(0, 20)
      .map(key => `tags.${key}`),
    ...differences.slice(0, 200).map(({ path }) => `spec.${path}`),
  ].filter(by => groupsOf(by, curves, differences).length < curves.length)

/** The axis that all runs share: buckets of `length` iterations each from 0; the last ends where the longest run does. */
export type Axis = { length: number; end: number; count: number }

export function axisOf(runs: Rows[]): Axis {
  const end = Math.max(1, ...runs.map(({ iteration }) => (iteration[iteration.length - 1] ?? 0) + 1))
  const length = bucketFor({ from: 0, to: end }, mostBuckets)
  return { length, end, count: Math.ceil(end / length) }
}

/** First and last iteration of a bucket. */
export const endsOf = ({ length, end }: Axis, i: number): [first: number, last: number] => [
  i * length,
  Math.min(end, (i + 1) * length) - 1,
]

/**
 * The mean of the run's values in every bucket; NaN where an iteration of it is missing (the run is shorter, or not yet
 * there) or has no finite value (it diverged): the mean of what is left would be one of other iterations than the other runs'.
 */
export function bucketMeans({ iteration, values, thinned }: Rows, axis: Axis): Float64Array {
  const sums = new Float64Array(axis.count)
  const counts = new Uint32Array(axis.count)
  for (let i = 0; i < iteration.length; i++) {
    const bucket = Math.floor(iteration[i] / axis.length)
    sums[bucket] += values[i]
    counts[bucket]++
  }
  const reached = iteration[iteration.length - 1]
  return sums.map((sum, bucket) => {
    const [first, last] = endsOf(axis, bucket)
    const whole = thinned ? counts[bucket] > 0 && reached >= last : counts[bucket] === last - first + 1
    return whole && Number.isFinite(sum) ? sum / counts[bucket] : Number.NaN
  })
}

/** In every bucket: the runs that have a value, their mean x̄, and x̄ ∓ t_{n−1} · s/√n at 95 %, null below two runs. */
export type Means = {
  n: number[]
  mean: (number | null)[]
  lower: (number | null)[]
  upper: (number | null)[]
}

/** Means over runs, of their buckets' means: runs count the same, however their values scatter within a bucket. */
export function meansOver(runs: Float64Array[], count: number): Means {
  const means: Means = { n: [], mean: [], lower: [], upper: [] }
  const finite = (value: number | null) => (value !== null && Number.isFinite(value) ? value : null)
  for (let i = 0; i < count; i++) {
    const there = runs.map(run => run[i]).filter(Number.isFinite)
    const { mean, low, high } = estimate(there, 0.95)
    means.n.push(there.length)
    means.mean.push(finite(mean))
    means.lower.push(finite(low))
    means.upper.push(finite(high))
  }
  return means
}

/** Changes of n that are told of a group, at most. */
const mostChanges = 6

/** How many runs are behind a mean, from each place on at which that changes: `4 from iteration 0, 1 from iteration 50 on`. */
export function countsOver(n: number[], axis: Axis): string {
  const changes = n.flatMap((runs, i) => (runs === n[i - 1] ? [] : [{ runs, from: endsOf(axis, i)[0] }]))
  const told = changes
    .slice(0, mostChanges)
    .map(({ runs, from }) => `${whole(runs)} from iteration ${whole(from)}`)
  const rest = changes.slice(mostChanges)
  if (rest.length === 0) return `${told.join(', ')} on`
  const sizes = rest.map(({ runs }) => runs)
  return `${told.join(', ')}, then it changes ${counted(rest.length, 'time')} more, between ${whole(Math.min(...sizes))} and ${whole(Math.max(...sizes))}`
}
