/** The ledger itself, a row per span of iterations and layer or variable: summed here, in one order, page by page. */
import { isSample } from '../../../spec/sample.ts'
import { fewIterations, type Piece, readSpans } from '../../../store/coarse.ts'
import type { Database } from '../../../store/database.ts'
import { levels, makeLadder } from '../../../store/ladder.ts'
import { readErrors } from '../../../store/sampling.ts'
import { checkRows } from '../../../store/totals.ts'
import { ahead } from '../../tables/ahead.ts'
import { type Grouping, type Ledger, share } from '../../tables/ledger.ts'
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

/** The longest spans that every bucket is made of, of those that are stored; 1: of iterations. */
const everyOf = ({ from, to, bucket }: AllocationsRequest): number =>
  to - from < fewIterations ? 1 : (levels.findLast(every => bucket % every === 0) ?? 1)

/**
 * The rows of the table, in batches. A row is the sum over the iterations of its span, in the order of ladder.ts, and then
 * of what that gives for the variables of its group, in their order: the same ledger gives the same bits.
 */
export async function* readAllocations(
  db: Pick<Database, 'pool'>,
  { id, split, sample }: Ledger,
  { groups, groupOf, layers }: Grouping,
  request: AllocationsRequest,
  signal: AbortSignal,
): AsyncGenerator<Batch, void> {
  if (groups.length === 0) return
  const { from, to, bucket, by, columns } = request
  // Errors are stored of single iterations, by layer: those of sums over iterations do not follow from them.
  const wanted = sumsFor(columns)
  const hasErrors =
    (columns?.includes('standardError') ?? true) && isSample(sample) && by === 'layer' && bucket === 1
  const layerOf = groups.map(({ layer }) => layers.indexOf(layer))
  const spans = Math.max(1, Math.floor(batchRows / groups.length))
  const rows = makeRows(groups, groupOf, wanted, { spans, bucket, from, to })
  let span = Number.NaN
  const what = { id, kind: 'allocations', split } as const
  // At least one column says how many iterations there are.
  const only = columns && (wanted.length > 0 ? wanted : ['helped'])
  const pages = readSpans(db.pool, what, { from, to }, everyOf(request), { signal, only, onlyCoarse: only })
  for await (const page of ahead(pages)) {
    for (const piece of page) {
      checkRows(piece, groupOf.length)
      if (bucket === 1 && rows.areCopies && !hasErrors) {
        for (let iteration = piece.from; iteration < piece.to; ) {
          if (rows.isFull()) yield rows.take()
          iteration = rows.copy(piece, iteration)
        }
        continue
      }
      const errors = hasErrors
        ? await readErrors(db.pool, { id, split }, layers.length, piece, signal)
        : undefined
      for (let iteration = piece.from; iteration < piece.to; ) {
        const own = Math.floor(iteration / bucket) * bucket
        const end = Math.min(piece.to, own + bucket)
        if (own !== span) {
          rows.end()
          if (rows.isFull()) yield rows.take()
          rows.begin(own)
          span = own
        }
        rows.add(piece, iteration, end)
        if (errors) rows.addErrors(errors, (iteration - piece.from) * (layers.length + 1), layerOf)
        iteration = end
      }
    }
  }
  rows.end()
  if (!rows.isEmpty()) yield rows.take()
}

/** Rows in the making: for each span a row of every group. */
function makeRows(
  groups: Grouping['groups'],
  groupOf: number[],
  wanted: readonly (typeof sums)[number][],
  { spans, bucket, from, to }: { spans: number; bucket: number; from: number; to: number },
) {
  // Each variable is a row of its own: rows are copied where nothing is summed.
  const isCopy = groupOf.length === groups.length && groupOf.every((group, variable) => group === variable)
  const ladder = bucket === 1 ? undefined : makeLadder(wanted, groupOf.length)
  const capacity = spans * groups.length
  const sizes = groups.map(({ parameters }) => parameters)
  const layers = repeatedNames(groups.map(({ layer }) => layer))
  const variables = repeatedNames(groups.map(({ variable }) => variable))
  /** Puts what each variable did, in the values from `row` on, into the rows of their groups. */
  const put = (into: Float64Array, first: number, values: Float64Array | Int32Array, row: number) => {
    if (isCopy) return into.set(values.subarray(row, row + groupOf.length), first)
    for (const [variable, group] of groupOf.entries())
      if (group >= 0) into[first + group] += values[row + variable]
  }
  const fresh = () => ({
    iteration: new Int32Array(capacity),
    iterations: new Int32Array(capacity),
    standardError: new Float64Array(capacity).fill(Number.NaN),
    sums: Object.fromEntries(sums.map(name => [name, new Float64Array(capacity)])) as Record<
      (typeof sums)[number],
      Float64Array
    >,
  })
  // Made when there is a row for it: half a megabyte each.
  let rows: ReturnType<typeof fresh> | undefined
  const making = () => (rows ??= fresh())
  let begun = 0
  return {
    /** Whether a span of one iteration is what the ledger has of it, as it is. */
    areCopies: isCopy,
    /** Takes over iterations from `from` on, each a span and each variable a row, as many as fit; returns the one after. */
    copy({ from: start, to, columns }: Piece, from: number): number {
      const count = Math.min(to - from, spans - begun)
      const first = begun * groups.length
      const row = (from - start) * groups.length
      const length = count * groups.length
      const { iteration, iterations, sums } = making()
      for (const name of wanted) sums[name].set(columns[name].subarray(row, row + length), first)
      for (let span = 0; span < count; span++)
        iteration.fill(from + span, first + span * groups.length, first + (span + 1) * groups.length)
      iterations.fill(1, first, first + length)
      begun += count
      return from + count
    },
    isFull: () => begun === spans,
    isEmpty: () => begun === 0,
    begin(iteration: number) {
      const first = begun++ * groups.length
      making().iteration.fill(iteration, first, first + groups.length)
      ladder?.begin(Math.max(from, iteration), Math.min(to, iteration + bucket))
    },
    /** Adds the iterations [from, to) of the piece to the last span. */
    add({ from: start, every, columns }: Piece, from: number, to: number) {
      const first = (begun - 1) * groups.length
      const row = ((from - start) / every) * groupOf.length
      if (ladder) ladder.add(from, to, every, columns, row)
      else for (const name of wanted) put(making().sums[name], first, columns[name], row)
      const { iterations } = making()
      for (let row = first; row < first + groups.length; row++) iterations[row] += to - from
    },
    /** Nothing more is added to the last span. */
    end() {
      if (!ladder || begun === 0) return
      const first = (begun - 1) * groups.length
      const totals = ladder.end()
      for (const name of wanted) put(making().sums[name], first, totals[name], 0)
    },
    /** Takes over the errors of the last span, an iteration's, whose first layer is in row `start`. */
    addErrors(errors: Float64Array, start: number, layerOf: number[]) {
      const first = (begun - 1) * groups.length
      for (const [group, layer] of layerOf.entries())
        making().standardError[first + group] = errors[start + layer]
    },
    take(): Batch {
      const length = begun * groups.length
      const { iteration, iterations, standardError, sums } = making()
      rows = undefined
      begun = 0
      const parameters = new Int32Array(length)
      const helpFractionOfMoved = new Float64Array(length)
      const helpFractionOfAll = new Float64Array(length)
      const { helped, hurt } = sums
      for (let row = 0; row < length; )
        for (let group = 0; group < sizes.length; group++, row++) {
          parameters[row] = sizes[group]
          helpFractionOfMoved[row] = share(helped[row], helped[row] + hurt[row])
          helpFractionOfAll[row] = share(helped[row], sizes[group] * iterations[row])
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
