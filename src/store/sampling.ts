/** What the ledger of a sample says of the whole split: standard errors, of iterations as they were recorded and of sums. */
import { groupSums, standardError } from '../statistics/random-groups.ts'
import { type Queryable, readBlocks } from './blocks.ts'

type Of = { id: string; split: string }
type Span = { from: number; to: number }

export type Spread = {
  /** Iterations that the sums are over. */
  iterations: number
  /** Of the LCA of each group of variables, and last of all of them. */
  standardErrors: number[]
}

/**
 * The standard errors of LCA summed over the segments in [from, to), from what each chunk of the sample did in them: the
 * chunks' sums over iterations, segment by segment, then variable by variable. `of`: examples of the whole split;
 * `groupOf`: the group of each variable. undefined where nothing is stored. `signal` ends it as it ends `readBlocks`.
 */
export async function readSpread(
  db: Queryable,
  { id, split }: Of,
  of: number,
  groupOf: number[],
  groups: number,
  span: Span,
  signal?: AbortSignal,
): Promise<Spread | undefined> {
  let sums: Float64Array | undefined
  let sizes: ArrayLike<number> = []
  let iterations = 0
  for await (const page of readBlocks(db, { id, kind: 'chunks', split }, span, signal))
    for (const { from, to, rows, columns } of page) {
      sums ??= new Float64Array(rows)
      if (rows !== sums.length || rows % groupOf.length !== 0)
        throw new Error(`the ledger has sums of ${rows} chunks of ${groupOf.length} variables`)
      for (let row = 0; row < rows; row++) sums[row] += columns.lca[row]
      sizes = columns.examples.subarray(0, rows / groupOf.length)
      iterations += to - from
    }
  if (sums === undefined) return undefined
  const chunks = sizes.length
  const grouped = groupSums(sums, chunks, groupOf, groups)
  const standardErrors = Array.from({ length: groups + 1 }, (_, group) =>
    standardError(grouped, { examples: sizes, of }, group * chunks),
  )
  return { iterations, standardErrors }
}

/**
 * The standard errors of single iterations in [from, to), a row an iteration: of each of `layers` layers, in the order of
 * the network, and last of the network. NaN where none is stored.
 */
export async function readErrors(
  db: Queryable,
  { id, split }: Of,
  layers: number,
  { from, to }: Span,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const width = layers + 1
  const errors = new Float64Array((to - from) * width).fill(Number.NaN)
  for await (const page of readBlocks(db, { id, kind: 'errors', split }, { from, to }, signal))
    for (const block of page) {
      if (block.rows !== (block.to - block.from) * width)
        throw new Error(
          `the ledger has ${block.rows} errors for [${block.from}, ${block.to}) of ${layers} layers`,
        )
      errors.set(block.columns.standardError, (block.from - from) * width)
    }
  return errors
}
