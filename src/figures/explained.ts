/**
 * What the figures of diagnostics are made of, read by the client: for SVG (svg/), the pages and reports in HTML
 * (src/web/figures) alike. Numbers that there are not are null, so that all of it may lie in a file as JSON. What was not
 * recorded, or has nothing in the span, is absent.
 */
import type { FindingList, LedgerClient } from '../../clients/typescript/src/index.ts'

type Value = number | null
export type Finding = FindingList['items'][number]
/** Spans of iterations, [start, end) each. */
export type Spans = { starts: number[]; ends: number[] }

export type Explained = {
  /** α = −E/F of the whole network. */
  curvature?: Spans & { alpha: Value[] }
  /** LCA by where the step came from; parts that did nothing are left out. [parts][spans] */
  components?: Spans & { names: string[]; lca: Value[][] }
  /** LCA of the loss of each class. [classes][spans] */
  classes?: Spans & { names: string[]; lca: Value[][] }
  /** What part of a step alone changed the loss by, and what LCA says of it; a point an iteration it was computed in. */
  counterfactuals?: { mask: string; iteration: number[]; change: Value[]; predicted: Value[] }[]
  /** Allocations that are not 0, by magnitude, and the tail that is fitted to them beyond the threshold. */
  tails?: {
    bins: { low: number; high: number; helped: number; hurt: number }[]
    index: Value
    error: Value
    threshold: Value
    count: Value
  }
  /** Iterations [from, to) in which each layer peaks, and how that is beside independent layers. */
  peaks?: {
    from: number
    to: number
    names: string[]
    at: number[][]
    shared: number
    expected: number
    p: number
  }
}

/** Iterations of which peaks are shown at most: each is a mark of its own. */
const mostPeaks = 600
/** Masks that are one thing each; those of single layers are many. */
const masks = ['helpers', 'hurters', 'random']

/** Where tables are read: a client, or what stands for one. */
export type ExplainedSource = Pick<LedgerClient, 'diagnostic' | 'allocations'> & {
  diagnostics(id: string): Promise<{ name: string; recorded: boolean }[]>
}

type Asked = { split: 'train' | 'validation'; from: number; to: number; bucket: number }
type Columns = Record<string, ArrayLike<number> | ArrayLike<string>>

const known = (value: unknown): Value => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const numbers = (column: ArrayLike<unknown> | undefined): Value[] => Array.from(column ?? [], known)

/** Everything that there is of one split over the span; tables by iteration in spans of `bucket`. */
export async function readExplained(
  ledger: ExplainedSource,
  id: string,
  { split, from, to, bucket }: Asked,
): Promise<Explained> {
  const has = new Set(
    (await ledger.diagnostics(id)).filter(({ recorded }) => recorded).map(({ name }) => name),
  )
  const read = async (name: string, query: { bucket?: number; by?: 'network' } = {}) => {
    if (!has.has(name)) return undefined
    const { length, columns } = await ledger.diagnostic(id, name, { split, from, to, ...query })
    return length === 0 ? undefined : (columns as Columns)
  }
  const [curvature, components, classes, counterfactuals, histogram, tails, peaks] = await Promise.all([
    read('curvature', { bucket }),
    read('components', { bucket }),
    read('classes', { bucket, by: 'network' }),
    read('counterfactuals'),
    read('histogram'),
    read('tails'),
    has.has('synchrony')
      ? readPeaks(ledger, id, { split, from, to: Math.min(to, from + mostPeaks) })
      : undefined,
  ])
  return {
    ...(curvature && { curvature: { ...spansOf(curvature), alpha: numbers(curvature.alpha) } }),
    ...(components && { components: partsOf(components) }),
    ...(classes && { classes: classesOf(classes) }),
    ...(counterfactuals && { counterfactuals: counterfactualsOf(counterfactuals) }),
    ...(histogram && tails && { tails: tailsOf(histogram, tails) }),
    ...(peaks && { peaks }),
  }
}

/** Of a table with so many rows a span. */
function spansOf({ iteration, iterations }: Columns, each = 1): Spans {
  const starts = numbers(iteration).filter((_, row) => row % each === 0) as number[]
  const lengths = numbers(iterations).filter((_, row) => row % each === 0) as number[]
  return { starts, ends: starts.map((start, i) => start + lengths[i]) }
}

function partsOf(columns: Columns): NonNullable<Explained['components']> {
  const parts = [
    { name: 'batch gradient', lca: numbers(columns.gradient) },
    { name: 'momentum', lca: numbers(columns.momentum) },
    { name: 'L2', lca: numbers(columns.l2) },
    { name: 'weight decay', lca: numbers(columns.decay) },
  ].filter(({ lca }) => lca.some(value => value !== 0))
  return { ...spansOf(columns), names: parts.map(({ name }) => name), lca: parts.map(({ lca }) => lca) }
}

function classesOf(columns: Columns): NonNullable<Explained['classes']> {
  const lca = numbers(columns.lca)
  const classes = [...new Set(Array.from(columns.class as ArrayLike<number>))]
  const each = classes.length
  return {
    ...spansOf(columns, each),
    names: classes.map(one => `class ${one}`),
    lca: classes.map((_, c) => lca.filter((_, row) => row % each === c)),
  }
}

function counterfactualsOf(columns: Columns): NonNullable<Explained['counterfactuals']> {
  const mask = Array.from(columns.mask as ArrayLike<string>)
  return masks.flatMap(name => {
    const rows = [...mask.keys()].filter(row => mask[row] === name)
    const of = (column: Columns[string]) => rows.map(row => known(column[row]))
    if (rows.length === 0) return []
    return {
      mask: name,
      iteration: of(columns.iteration) as number[],
      change: of(columns.change),
      predicted: of(columns.predicted),
    }
  })
}

function tailsOf(histogram: Columns, tails: Columns): NonNullable<Explained['tails']> {
  const column = (name: string) => numbers(histogram[name]) as number[]
  const [low, high, helped, hurt] = [column('low'), column('high'), column('helped'), column('hurt')]
  return {
    bins: low.map((_, i) => ({ low: low[i], high: high[i], helped: helped[i], hurt: hurt[i] })),
    ...{ index: known(tails.tailIndex[0]), error: known(tails.tailError[0]) },
    ...{ threshold: known(tails.tailThreshold[0]), count: known(tails.count[0]) },
  }
}

/** Local minima of each layer's LCA, as the diagnostic has them, and its last row: of all pairs of layers. */
async function readPeaks(
  ledger: ExplainedSource,
  id: string,
  { split, from, to }: Omit<Asked, 'bucket'>,
): Promise<Explained['peaks']> {
  if (to - from < 3) return undefined
  const [pairs, table] = await Promise.all([
    ledger.diagnostic(id, 'synchrony', { split, from, to }),
    ledger.allocations(id, { split, by: 'layer', from, to }),
  ])
  const last = pairs.length - 1
  if (last < 0 || table.length === 0) return undefined
  const { layer, iteration, lca } = table.columns
  const names = [...new Set(layer)]
  const at = names.map((_, l) => {
    const found: number[] = []
    const of = (i: number) => lca[i * names.length + l]
    const count = lca.length / names.length
    for (let i = 1; i + 1 < count; i++) {
      const t = iteration[i * names.length]
      // Behind a gap neighbours are none.
      const touch = iteration[(i + 1) * names.length] - iteration[(i - 1) * names.length] === 2
      if (touch && of(i) < of(i - 1) && of(i) < of(i + 1)) found.push(t)
    }
    return found
  })
  const { shared, expected, p } = pairs.columns as Record<string, ArrayLike<number>>
  return { from, to, names, at, shared: shared[last], expected: expected[last], p: p[last] }
}

/**
 * P(|LCA| ≥ low) of the allocations in the histogram, at the low edge of each bin that has a positive one, from the largest:
 * what tails are drawn as on logarithmic axes.
 */
export function survivalOf(bins: NonNullable<Explained['tails']>['bins']): [low: number, share: number][] {
  const total = bins.reduce((sum, { helped, hurt }) => sum + helped + hurt, 0)
  let above = 0
  return [...bins]
    .sort((a, b) => b.low - a.low)
    .flatMap(({ low, helped, hurt }): [number, number][] => {
      above += helped + hurt
      return low > 0 && above > 0 ? [[low, above / total]] : []
    })
}

/** The fitted tail between the threshold and the largest: P(|X| ≥ x) = P(|X| ≥ u)·(x/u)^−α. Absent where there is none. */
export function fitOf({ bins, index, threshold }: NonNullable<Explained['tails']>): [number, number][] {
  const survival = survivalOf(bins)
  const start = survival.find(([low]) => low === threshold)
  if (index === null || threshold === null || start === undefined) return []
  const largest = survival[0][0]
  return [
    [threshold, start[1]],
    [largest, start[1] * (largest / threshold) ** -index],
  ]
}

/** The diagnostic, or table of the ledger, that a finding is best looked at in, and the iterations around it. */
export function placeOf({ table, from, to }: Finding, iterations: number) {
  const room = Math.max(2, Math.ceil((to - from) / 10), to - from === 1 ? 10 : 0)
  return { table, from: Math.max(0, from - room), to: Math.min(iterations, to + room) }
}
