/**
 * How unequal allocations are: of single parameters in single iterations, how heavy their tails, how much a few of them do,
 * and which are the largest. Everything is of the allocations that are not 0: what did not move, or did not matter, is in
 * no histogram.
 *
 *     kurtosis = n · Σ LCA⁴ / (Σ LCA²)²      about 0: 3 of a normal distribution, 6 of Laplace's
 *
 * Sums are of segments, so what is read is of the segments that lie within the span, whole.
 */
import { extremes, hostLoops, rangesOf, signedBins } from '../../host-loops.ts'
import type { Step } from '../allocate.ts'
import type { Columns } from '../columns.ts'
import type { ColumnRule, Diagnostic, ReadFacts, Source, StoredBlock } from './diagnostic.ts'
import { type Groups, groupsOf, networkGroup, wholeSegments } from './groups.ts'
import { bins, lowestBin, type Magnitudes, noMagnitudes, tailOf, topShare, totalOf } from './magnitudes.ts'
import { counts, perSplitOf } from './sums.ts'

const sharesOf = [
  { name: 'top01', fraction: 0.001, label: '0.1 %' },
  { name: 'top1', fraction: 0.01, label: '1 %' },
  { name: 'top10', fraction: 0.1, label: '10 %' },
]

/** What a segment has of a variable, or a span of a group. */
type Extremes = Record<(typeof extremes)[number], number>
const noExtremes = (): Extremes => ({
  ...{ squared: 0, fourth: 0 },
  ...{ max: Number.NEGATIVE_INFINITY, maxIndex: -1, maxIteration: -1 },
  ...{ min: Number.POSITIVE_INFINITY, minIndex: -1, minIteration: -1 },
})

/** What a segment has of all variables: extremes, [variables, 8], and histograms, [variables, signedBins]. */
type Tally = { kept: Float64Array; counts: Float64Array; absolute: Float64Array }

function noTally(variables: number): Tally {
  const none = noExtremes()
  return {
    kept: Float64Array.from(new Array(variables).fill(extremes.map(name => none[name])).flat()),
    counts: new Float64Array(variables * signedBins),
    absolute: new Float64Array(variables * signedBins),
  }
}

/** The extremes of one of the variables. */
const extremesIn = ({ kept }: Tally, variable: number) =>
  Object.fromEntries(extremes.map((name, n) => [name, kept[variable * extremes.length + n]])) as Extremes

/** Bins that have something in them: a row each, those below the lowest in it. */
function binColumns(tally: Tally, variables: number): Columns {
  const rows: number[][] = []
  for (let variable = 0; variable < variables; variable++) {
    // Two halves, signs apart.
    const own = (values: Float64Array) => values.subarray(variable * signedBins)
    const [counts, absolute] = [own(tally.counts), own(tally.absolute)]
    let [negative, positive, sum] = [0, 0, 0]
    for (let bin = 0; bin < bins; bin++) {
      negative += counts[bins + bin]
      positive += counts[bin]
      sum += absolute[bins + bin] + absolute[bin]
      if (bin < lowestBin) continue
      if (negative + positive > 0) rows.push([variable, bin, negative, positive, sum])
      negative = positive = sum = 0
    }
  }
  const column = (at: number) => Float64Array.from(rows, row => row[at])
  return {
    variable: Int32Array.from(column(0)),
    bin: Int32Array.from(column(1)),
    // Of large variables in long segments there may be more than int32 counts to.
    negative: counts(column(2)),
    positive: counts(column(3)),
    absolute: column(4),
  }
}

function extremeColumns(all: Extremes[]): Columns {
  const known = (values: number[]) =>
    Float64Array.from(values, value => (Number.isFinite(value) ? value : Number.NaN))
  return {
    squared: Float64Array.from(all, one => one.squared),
    fourth: Float64Array.from(all, one => one.fourth),
    max: known(all.map(one => one.max)),
    min: known(all.map(one => one.min)),
    maxIndex: Int32Array.from(all, one => one.maxIndex),
    maxIteration: Int32Array.from(all, one => one.maxIteration),
    minIndex: Int32Array.from(all, one => one.minIndex),
    minIteration: Int32Array.from(all, one => one.minIteration),
  }
}

type Found = Extremes & { magnitudes: Magnitudes }

/** Of equal ones the earliest is named, and of these the first parameter, however the run is cut. */
function addExtremes(into: Found, { columns }: StoredBlock, row: number): void {
  into.squared += columns.squared[row]
  into.fourth += columns.fourth[row]
  // NaN where all are 0: neither is it more nor less nor the same.
  const max = columns.max[row]
  if (max > into.max || (max === into.max && columns.maxIteration[row] < into.maxIteration)) {
    into.max = max
    into.maxIndex = columns.maxIndex[row]
    into.maxIteration = columns.maxIteration[row]
  }
  const min = columns.min[row]
  if (min < into.min || (min === into.min && columns.minIteration[row] < into.minIteration)) {
    into.min = min
    into.minIndex = columns.minIndex[row]
    into.minIteration = columns.minIteration[row]
  }
}

/** The histogram of each group over the segments that lie in the span. */
export async function magnitudesOf(
  source: Source,
  span: { from: number; to: number },
  { groups, groupOf }: Groups,
): Promise<Magnitudes[]> {
  const found = groups.map(noMagnitudes)
  for await (const { rows, columns } of wholeSegments(source, 'tails.bins', span))
    for (let row = 0; row < rows; row++) {
      const group = groupOf[columns.variable[row]]
      if (group < 0) continue
      const bin = columns.bin[row]
      found[group].negative[bin] += columns.negative[row]
      found[group].positive[bin] += columns.positive[row]
      found[group].absolute[bin] += columns.absolute[row]
    }
  return found
}

/** What there is of each group, and the iterations that it is of. */
async function readTails(source: Source, span: { from: number; to: number }, groups: Groups) {
  const found = groups.groups.map(noExtremes)
  const covered = { from: Number.NaN, to: Number.NaN }
  const magnitudes = await magnitudesOf(source, span, groups)
  const all: Found[] = found.map((extremes, g) => ({ ...extremes, magnitudes: magnitudes[g] }))
  for await (const block of wholeSegments(source, 'tails', span)) {
    if (Number.isNaN(covered.from)) covered.from = block.from
    covered.to = block.to
    for (const [v, group] of groups.groupOf.entries()) if (group >= 0) addExtremes(all[group], block, v)
  }
  return { covered, all }
}

function numbersOf({ magnitudes, squared, fourth }: Found) {
  const { count, absolute } = totalOf(magnitudes)
  const tail = tailOf(magnitudes)
  const shares = sharesOf.flatMap(({ name, fraction }): [string, number][] => {
    const { low, high } = topShare(magnitudes, fraction)
    return [
      [name, (low + high) / 2],
      [`${name}Low`, low],
      [`${name}High`, high],
    ]
  })
  return {
    ...{ count, absolute, kurtosis: (count * fourth) / squared ** 2 },
    ...Object.fromEntries(shares),
    ...{ tailIndex: tail.index, tailError: tail.standardError },
    ...{ tailThreshold: tail.threshold, tailCount: tail.count },
  }
}

const float = (name: string, description: string): ColumnRule => ({ name, type: 'float64', description })
const columns: ColumnRule[] = [
  { name: 'from', type: 'int32', description: 'The first iteration of the segments that this is of.' },
  { name: 'to', type: 'int32', description: 'The iteration behind the last.' },
  { name: 'layer', type: 'name', description: 'The layer’s name; null for the whole network.' },
  { name: 'variable', type: 'name', description: 'The variable’s name; null unless by=variable.' },
  float('count', 'Allocations (of a parameter in an iteration) that are not 0: all that follows is of them.'),
  float('absolute', 'Σ |LCA|.'),
  float('kurtosis', 'count · Σ LCA⁴ / (Σ LCA²)²: 3 of a normal distribution, more with heavier tails.'),
  ...sharesOf.flatMap(({ name, label }) => [
    float(name, `The share of Σ |LCA| that the largest ${label} have: the middle of what it lies between.`),
    float(`${name}Low`, 'At least: exact where the number of the largest ends at the edge of a bin.'),
    float(`${name}High`, 'At most.'),
  ]),
  float(
    'tailIndex',
    'Hill’s α of |LCA| ~ x^−α beyond the threshold, of binned values; null where there is no tail to fit.',
  ),
  float(
    'tailError',
    'Its standard error if allocations were independent; those of a parameter in successive iterations are not, so it is rather too small.',
  ),
  float(
    'tailThreshold',
    'The threshold: the highest power of 2 that 1 % of the magnitudes, and 50, lie above.',
  ),
  float('tailCount', 'Allocations beyond the threshold.'),
  float('max', 'The largest LCA: what hurt most.'),
  float('maxIndex', 'Its parameter: the column in allocations/{split}.npy.'),
  { name: 'maxVariable', type: 'name', description: 'The variable which that is of.' },
  float('maxIteration', 'Its iteration.'),
  float('min', 'The smallest LCA: what helped most.'),
  float('minIndex', 'Its parameter.'),
  { name: 'minVariable', type: 'name', description: 'The variable which that is of.' },
  float('minIteration', 'Its iteration.'),
]

const orNull = (value: number) => (Number.isFinite(value) ? value : null)

export const tails: Diagnostic = {
  name: 'tails',
  description:
    'How unequal the allocations of single parameters in single iterations are: kurtosis, the share of Σ |LCA| that the largest 0.1, 1 and 10 % have, the tail index with its standard error, the largest and the smallest with their parameter and iteration. Of the segments that lie within the span, whole.',
  cost: 'free',
  tables: [
    { kind: 'tails', of: 'segment', rows: ({ variables }) => variables, rowBytes: 48 },
    {
      kind: 'tails.bins',
      of: 'segment',
      expected: ({ segments, variables }) => 30 * segments * variables,
      rowBytes: 20,
    },
  ],

  follow({ network: { variables }, splits }) {
    const ranges = rangesOf(variables)
    const tallies = splits.map(() => noTally(variables.length))
    return {
      step({ iteration, perSplit }: Step) {
        for (const { split, lca } of perSplit) {
          const { counts, absolute, kept } = tallies[splits.indexOf(split)]
          hostLoops.tally(lca, iteration, ranges, counts, absolute, kept)
        }
      },
      tables: () => ({
        tails: perSplitOf(splits, s => extremeColumns(variables.map((_, v) => extremesIn(tallies[s], v)))),
        'tails.bins': perSplitOf(splits, s => binColumns(tallies[s], variables.length)),
      }),
    }
  },

  view: {
    kind: 'rows',
    query: { by: ['network', 'layer', 'variable'], layer: true, span: true },
    columns,
    async *rows(source, facts, asked) {
      const groups = groupsOf(facts, asked)
      const { covered, all } = await readTails(source, asked, groups)
      if (Number.isNaN(covered.from)) return
      const variableOf = (index: number) =>
        facts.variables.find(({ offset, size }) => index >= offset && index < offset + size)?.name ?? null
      yield all.map((found, g) => ({
        ...covered,
        ...groups.groups[g],
        ...numbersOf(found),
        ...{ max: orNull(found.max), min: orNull(found.min) },
        ...{ maxVariable: variableOf(found.maxIndex), minVariable: variableOf(found.minIndex) },
        maxIndex: found.maxIndex < 0 ? null : found.maxIndex,
        maxIteration: found.maxIteration < 0 ? null : found.maxIteration,
        minIndex: found.minIndex < 0 ? null : found.minIndex,
        minIteration: found.minIteration < 0 ? null : found.minIteration,
      }))
    },
  },

  figures: [
    { name: 'kurtosis', description: 'Kurtosis of the allocations of the whole network that are not 0.' },
    ...sharesOf.map(({ name, label }) => ({
      name,
      description: `The share of Σ |LCA| that the largest ${label} of these have.`,
    })),
    { name: 'tailIndex', description: 'Hill’s tail index of their magnitudes.' },
  ],
  async summarise(source, facts: ReadFacts): Promise<Record<string, number>> {
    const { all } = await readTails(source, facts, networkGroup(facts))
    return numbersOf(all[0])
  },
}
