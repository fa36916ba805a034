/**
 * Whether helping is myopic: the fraction of parameters, and of units, that help when their LCA is summed over windows of
 * 1, 2, 4, … iterations, up to the whole run. Half of all allocations hurt; how much of that is to and fro within a few
 * iterations shows where the fraction rises with the window.
 *
 * Which windows: within a segment those of 1, 2, 4, … iterations, as long as they fit into it, one after the other from its
 * first iteration; across segments those of 1, 2, 4, … segments of full length, from the first, made in the end of each
 * segment's sums; and the whole run. Only complete ones count.
 */
import { hostLoops, rangesOf, spansOf } from '../../host-loops.ts'
import type { Step } from '../allocate.ts'
import type { Columns } from '../columns.ts'
import type { ColumnRule, Diagnostic, NetworkOf, ReadFacts, Row, Source } from './diagnostic.ts'
import { groupsOf, networkGroup, wholeSegments } from './groups.ts'
import { makeLadder, type Range, type Rung } from './ladder.ts'
import { counts, perSplitOf } from './sums.ts'

/** Of parameters, by layer; of units, by layer; and the units' sums of the parameters' values. */
function makeLadders({ variables, layers, layerOf, units, parameters }: NetworkOf) {
  const ofParameters: Range[] = variables.map(({ offset, size }, v) => ({
    ...{ offset, size, group: layerOf[v] },
  }))
  const ofUnits: Range[] = units.map(({ layer, offset, units }) => ({
    ...{ offset, size: units, group: layers.indexOf(layer) },
  }))
  const count = units.reduce((sum, layer) => sum + layer.units, 0)
  const ranges = rangesOf(variables)
  const spans = spansOf(
    variables.map(({ layer }) => {
      const { offset: first, units: width } = units.find(one => one.layer === layer)!
      return { first, stride: 1, units: width }
    }),
  )
  const sums = new Float64Array(count)
  const rounded = new Float32Array(count)
  const unitsOf = (values: Float32Array): Float32Array => {
    hostLoops.sumUnits(values, ranges, spans, sums.fill(0))
    rounded.set(sums)
    return rounded
  }
  return {
    parameters: makeLadder(parameters, ofParameters, layers.length),
    units: makeLadder(count, ofUnits, layers.length),
    unitsOf,
  }
}

type Sized = { window: number; parameters: Rung; units: Rung }

/** A row a window and layer, in this order. */
function columnsOf(all: Sized[], layers: number): Columns {
  const values = (of: (one: Sized, layer: number) => number) =>
    Float64Array.from(all.flatMap(one => Array.from({ length: layers }, (_, layer) => of(one, layer))))
  const integers = (of: (one: Sized, layer: number) => number) => counts(values(of))
  return {
    window: integers(({ window }) => window),
    layer: integers((_, layer) => layer),
    windows: integers(({ parameters }) => parameters.windows),
    helped: integers(({ parameters }, layer) => parameters.helped[layer]),
    hurt: integers(({ parameters }, layer) => parameters.hurt[layer]),
    unitsHelped: integers(({ units }, layer) => units.helped[layer]),
    unitsHurt: integers(({ units }, layer) => units.hurt[layer]),
  }
}

const tallied = ['helped', 'hurt', 'unitsHelped', 'unitsHurt'] as const
type Tally = Record<(typeof tallied)[number], number> & { windows: number; parameters: number }

/** Of each group, by the length of windows, from the shortest. */
async function readWindows(
  source: Source,
  { layerOf, layers, variables, iterations }: ReadFacts,
  span: { from: number; to: number },
  groupOf: number[],
  groups: number,
): Promise<[window: number, Tally[]][]> {
  const groupOfLayer = layers.map((_, layer) => groupOf[layerOf.indexOf(layer)])
  const parameters = new Array<number>(groups).fill(0)
  for (const [v, { size }] of variables.entries()) if (groupOf[v] >= 0) parameters[groupOf[v]] += size
  const found = new Map<number, Tally[]>()
  const add = (rows: number, columns: Columns) => {
    const seen = new Set<string>()
    for (let row = 0; row < rows; row++) {
      const group = groupOfLayer[columns.layer[row]]
      if (group < 0) continue
      const window = columns.window[row]
      if (!found.has(window))
        found.set(
          window,
          parameters.map(parameters => ({
            ...{ windows: 0, parameters, helped: 0, hurt: 0, unitsHelped: 0, unitsHurt: 0 },
          })),
        )
      const tally = found.get(window)![group]
      for (const name of tallied) tally[name] += columns[name][row]
      // Its layers have the same windows.
      if (!seen.has(`${window} ${group}`)) tally.windows += columns.windows[row]
      seen.add(`${window} ${group}`)
    }
  }
  for await (const { rows, columns } of wholeSegments(source, 'windows', span)) add(rows, columns)
  if (span.from === 0 && span.to === iterations)
    for await (const { rows, columns } of source('windows.run')) add(rows, columns)
  return [...found].sort(([a], [b]) => a - b)
}

const fractionsOf = ({ helped, hurt, unitsHelped, unitsHurt, parameters, windows }: Tally) => ({
  helpFractionOfMoved: helped / (helped + hurt),
  helpFractionOfAll: helped / (parameters * windows),
  unitHelpFraction: unitsHelped / (unitsHelped + unitsHurt),
})

const int = (name: string, description: string): ColumnRule => ({ name, type: 'int32', description })
const float = (name: string, description: string): ColumnRule => ({ name, type: 'float64', description })

export const windows: Diagnostic = {
  name: 'windows',
  description:
    'Whether helping is myopic: the fraction of parameters, and of units, that help (Σ LCA < 0) when their LCA is summed over windows of iterations. Windows are of 1, 2, 4, … iterations within each segment, from its first iteration, as long as they fit; of 1, 2, 4, … segments of full length, from the first of the run; and the whole run. Only complete ones count. Those across segments are there once the run has ended, and in the whole run only; of a span those within the segments that lie in it, whole.',
  cost: 'free',
  tables: [
    {
      kind: 'windows',
      of: 'segment',
      expected: ({ segments, segmentIterations, layers }) =>
        segments * layers * (1 + Math.floor(Math.log2(segmentIterations))),
      rowBytes: 24,
    },
    {
      kind: 'windows.run',
      of: 'run',
      expected: ({ segments, layers }) => layers * (2 + Math.floor(Math.log2(segments))),
      rowBytes: 24,
    },
  ],

  follow({ network, splits }) {
    const ladders = splits.map(() => makeLadders(network))
    return {
      step({ perSplit }: Step) {
        for (const { split, lca } of perSplit) {
          const { parameters, units, unitsOf } = ladders[splits.indexOf(split)]
          parameters.add(lca)
          units.add(unitsOf(lca))
        }
      },
      tables: () => ({
        windows: perSplitOf(splits, s => {
          const { parameters, units } = ladders[s]
          const all = parameters.rungs.map((rung, level) => ({
            ...{ window: 2 ** level, parameters: rung, units: units.rungs[level] },
          }))
          return columnsOf(all, network.layers.length)
        }),
      }),
      seams: () => perSplitOf(splits, s => ({ sum: ladders[s].parameters.total() })),
    }
  },

  seams: {
    vectors: ['sum'],
    kind: 'windows.run',
    join(facts) {
      const { parameters, units, unitsOf } = makeLadders(facts)
      let full: number | undefined
      /** Of the last segment, where it is shorter. */
      let rest: Float32Array | undefined
      return {
        add({ from, to, vectors: { sum } }) {
          full ??= to - from
          if (to - from < full) {
            rest = sum
            return
          }
          parameters.add(sum)
          units.add(unitsOf(sum))
        },
        columns() {
          if (full === undefined) throw new Error('a run has no segments')
          const all: Sized[] = parameters.rungs.map((rung, level) => ({
            ...{ window: full! * 2 ** level, parameters: rung, units: units.rungs[level] },
          }))
          const total = parameters.total()
          for (let i = 0; i < (rest?.length ?? 0); i++) total[i] += rest![i]
          if (all.every(({ window }) => window !== facts.iterations))
            all.push({
              window: facts.iterations,
              parameters: parameters.signsOf(total),
              units: units.signsOf(unitsOf(total)),
            })
          // Segments of 2^k iterations have that window themselves.
          const within = full
          const isWithin = (window: number) => window <= within && Number.isInteger(Math.log2(window))
          return columnsOf(
            all.filter(({ window }) => !isWithin(window)),
            facts.layers.length,
          )
        },
      }
    },
    async recover(network, { from, to, lca }) {
      const { parameters } = makeLadders(network)
      for (let t = from; t < to; t++) parameters.add(await lca(t))
      return { sum: parameters.total() }
    },
  },

  view: {
    kind: 'rows',
    query: { by: ['network', 'layer'], layer: true, span: true },
    columns: [
      { name: 'layer', type: 'name', description: 'The layer’s name; null for the whole network.' },
      int('window', 'Iterations that are summed.'),
      int('windows', 'How many such windows.'),
      float('helped', 'Parameters whose LCA over a window is below 0, summed over the windows.'),
      float('hurt', 'Those of which it is above 0. The others did not move, or did not matter.'),
      float('unitsHelped', 'Units, or channels, whose LCA over a window is below 0.'),
      float('unitsHurt', 'Those of which it is above 0.'),
      float('helpFractionOfMoved', 'helped / (helped + hurt).'),
      float('helpFractionOfAll', 'helped / (parameters · windows).'),
      float('unitHelpFraction', 'unitsHelped / (unitsHelped + unitsHurt).'),
    ],
    async *rows(source, facts, asked) {
      const { groups, groupOf } = groupsOf(facts, asked)
      const found = await readWindows(source, facts, asked, groupOf, groups.length)
      for (const [g, { layer }] of groups.entries())
        yield found.map(([window, tallies]): Row => {
          const { parameters: _, ...tally } = tallies[g]
          return { layer, window, ...tally, ...fractionsOf(tallies[g]) }
        })
    },
  },

  figures: [
    { name: 'step', description: 'Fraction of the parameters that moved that help, in single iterations.' },
    {
      name: 'run',
      description: 'The same of LCA summed over the whole run; there is none of the first part of a run.',
    },
    { name: 'unitStep', description: 'Fraction of units that help, in single iterations.' },
    { name: 'unitRun', description: 'The same of LCA summed over the whole run.' },
  ],
  async summarise(source, facts) {
    const { groupOf } = networkGroup(facts)
    const found = new Map(await readWindows(source, facts, facts, groupOf, 1))
    const of = (window: number) => {
      const tally = found.get(window)?.[0]
      return tally && fractionsOf(tally)
    }
    const step = of(1)
    const run = facts.from === 0 && facts.to === facts.iterations ? of(facts.iterations) : undefined
    return {
      step: step?.helpFractionOfMoved ?? Number.NaN,
      run: run?.helpFractionOfMoved ?? Number.NaN,
      unitStep: step?.unitHelpFraction ?? Number.NaN,
      unitRun: run?.unitHelpFraction ?? Number.NaN,
    }
  },
}
