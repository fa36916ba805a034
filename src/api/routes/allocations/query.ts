/** The ledger itself, a row per span of iterations and layer or variable: summed here, in one order, page by page. */
import { isSample } from '../../../spec/sample.ts'
import { type Block, readBlocks } from '../../../store/blocks.ts'
import type { Database } from '../../../store/database.ts'
import { readErrors } from '../../../store/sampling.ts'
import { checkRows } from '../../../store/totals.ts'
import { ahead } from '../../tables/ahead.ts'
import { type Grouping, helpFractions, type Ledger } from '../../tables/ledger.ts'
import { type Batch, repeatedNames } from '../../tables/table.ts'

/** Rows of a batch, but for a span that has more. */
const batchRows = 2 ** 13

const sums = ['lca', 'helping', 'hurting', 'squared', 'moved', 'helped', 'hurt'] as const

export type AllocationsRequest = {
  from: number
  to: number
  bucket: number
  by: 'layer' | 'variable'
  /** Columns of the table that are wanted; all if absent. */
  columns?: readonly string[] | undefined
}

/** What is to be read for these columns. */
const sumsFor = (columns: readonly string[] | undefined) =>
  columns === undefined
    ? sums
    : sums.filter(
        name =>
          columns.includes(name) ||
          ((name === 'helped' || name === 'hurt') &&
            columns.some(column => column.startsWith('helpFraction'))),
      )

/**
 * The rows of the table, in batches. A row is the sum over the iterations of its span and the variables of its group, in
 * the order of iterations and then of variables: the same ledger gives the same bits.
 */
export async function* readAllocations(
  db: Pick<Database, 'pool'>,
  { id, split, sample }: Ledger,
  { groups, groupOf, layers }: Grouping,
  { from, to, bucket, by, columns }: AllocationsRequest,
  signal: AbortSignal,
): AsyncGenerator<Batch, void> {
  if (groups.length === 0) return
  // Errors are stored of single iterations, by layer: those of sums over iterations do not follow from them.
  const wanted = sumsFor(columns)
  const hasErrors =
    (columns?.includes('standardError') ?? true) && isSample(sample) && by === 'layer' && bucket === 1
  const layerOf = groups.map(({ layer }) => layers.indexOf(layer))
  const rows = makeRows(groups, groupOf, wanted, Math.max(1, Math.floor(batchRows / groups.length)))
  let span = Number.NaN
  const what = { id, kind: 'allocations', split } as const
  for await (const page of ahead(
    // At least one column says how many iterations there are.
    readBlocks(db.pool, what, { from, to }, signal, columns && (wanted.length > 0 ? wanted : ['helped'])),
  )) {
    for (const block of page) {
      checkRows(block, groupOf.length)
      const errors = hasErrors
        ? await readErrors(db.pool, { id, split }, layers.length, block, signal)
        : undefined
      for (let iteration = block.from; iteration < block.to; ) {
        const own = Math.floor(iteration / bucket) * bucket
        const end = Math.min(block.to, own + bucket)
        if (own !== span) {
          if (rows.isFull()) yield rows.take()
          rows.begin(own)
          span = own
        }
        rows.add(block, iteration - block.from, end - block.from)
        if (errors) rows.addErrors(errors, (iteration - block.from) * (layers.length + 1), layerOf)
        iteration = end
      }
    }
  }
  if (!rows.isEmpty()) yield rows.take()
}

/** Rows in the making: for each span a row of every group. */
function makeRows(
  groups: Grouping['groups'],
  groupOf: number[],
  wanted: readonly (typeof sums)[number][],
  spans: number,
) {
  // Each variable is a row of its own: rows are copied where nothing is summed.
  const isCopy = groupOf.length === groups.length && groupOf.every((group, variable) => group === variable)
  const capacity = spans * groups.length
  const layers = repeatedNames(groups.map(({ layer }) => layer))
  const variables = repeatedNames(groups.map(({ variable }) => variable))
  const fresh = () => ({
    iteration: new Int32Array(capacity),
    iterations: new Int32Array(capacity),
    standardError: new Float64Array(capacity).fill(Number.NaN),
    sums: Object.fromEntries(sums.map(name => [name, new Float64Array(capacity)])) as Record<
      (typeof sums)[number],
      Float64Array
    >,
  })
  let made = fresh()
  let begun = 0
  return {
    isFull: () => begun === spans,
    isEmpty: () => begun === 0,
    begin(iteration: number) {
      const first = begun++ * groups.length
      made.iteration.fill(iteration, first, first + groups.length)
    },
    /** Adds the iterations [from, to) of the block, counted from its first, to the last span. */
    add({ columns }: Block, from: number, to: number) {
      const variables = groupOf.length
      const first = (begun - 1) * groups.length
      const isFirst = made.iterations[first] === 0
      for (const name of wanted) {
        const values = columns[name]
        const into = made.sums[name]
        const copied = isCopy && isFirst ? 1 : 0
        if (copied) into.set(values.subarray(from * variables, (from + 1) * variables), first)
        addTo(into, first, values, (from + copied) * variables, to * variables, groupOf)
      }
      for (let row = first; row < first + groups.length; row++) made.iterations[row] += to - from
    },
    /** Takes over the errors of the last span, an iteration's, whose first layer is in row `start`. */
    addErrors(errors: Float64Array, start: number, layerOf: number[]) {
      const first = (begun - 1) * groups.length
      for (const [group, layer] of layerOf.entries())
        made.standardError[first + group] = errors[start + layer]
    },
    take(): Batch {
      const length = begun * groups.length
      const { iteration, iterations, standardError, sums } = made
      made = fresh()
      begun = 0
      const parameters = new Int32Array(length)
      const helpFractionOfMoved = new Float64Array(length)
      const helpFractionOfAll = new Float64Array(length)
      for (let row = 0; row < length; row++) {
        parameters[row] = groups[row % groups.length].parameters
        const postings = parameters[row] * iterations[row]
        const fractions = helpFractions(sums.helped[row], sums.hurt[row], postings)
        helpFractionOfMoved[row] = fractions.helpFractionOfMoved ?? Number.NaN
        helpFractionOfAll[row] = fractions.helpFractionOfAll ?? Number.NaN
      }
      return {
        length,
        values: {
          ...{ iteration, iterations, layer: layers(length), variable: variables(length), parameters },
          ...{ ...sums, standardError, helpFractionOfMoved, helpFractionOfAll },
        },
      }
    },
  }
}

/** Adds what each variable did, in rows [from, to) of whole iterations, to the row of its group. */
function addTo(
  into: Float64Array,
  first: number,
  values: Float64Array | Int32Array,
  from: number,
  to: number,
  groupOf: number[],
): void {
  for (let row = from; row < to; )
    for (let variable = 0; variable < groupOf.length; variable++, row++) {
      const group = groupOf[variable]
      if (group >= 0) into[first + group] += values[row]
    }
}
