/** The figures of a report, as SVG by name: of `ledger report`, `ledger compare` and archives. They take d3, which no other command reads. */
import type {
  Comparison,
  Experiment,
  LedgerClient,
  Sweep,
  SweepSummaryRow,
} from '../../clients/typescript/src/index.ts'
import { printableData } from '../printable.ts'
import { type Explained, type ExplainedSource, readExplained } from './explained.ts'
import { NothingToShow } from './nothing.ts'
import { whole as thousands } from './numbers.ts'
import { pairedInWords } from './paired.ts'
import { comparedLayersFigure, lossesFigure } from './svg/compare-figure.ts'
import { lossFigure, residualsFigure, type Split } from './svg/curves.ts'
import { alphaFigure, counterfactualsFigure, peaksFigure, tailsFigure } from './svg/explained-figures.ts'
import { type LayerSums, layersFigure } from './svg/layers-figure.ts'
import { type LayerSeries, ledgerFigure } from './svg/ledger-figure.ts'
import { number } from './svg/panel.ts'
import type { About } from './svg/svg.ts'
import { sweepFigure } from './svg/sweep-figure.ts'
import { unbalancedLine } from './unbalanced.ts'

/** The JSON of /sweeps/{id}/summary. */
export type Summary = {
  complete: boolean
  baseline: string
  confidence: number
  variants: { label: string; experiments: number; seeds: number[] }[]
  leftOut: { experiment: string; variant: string; seed: number; reason: string }[]
  items: SweepSummaryRow[]
}

type Figures = Record<string, string>
/** Where the tables of an experiment are read. */
export type FigureSource = Pick<LedgerClient, 'iterations' | 'layers' | 'allocations'> & ExplainedSource

/** More points than a figure has pixels say nothing more. */
const mostPoints = 400

/** Loss, layers, residuals, and of each split LCA over iterations and what of its diagnostics was recorded. Throws NothingToShow where nothing is allocated yet. */
export async function experimentReport(
  ledger: FigureSource,
  experiment: Experiment,
  title?: string,
): Promise<Figures> {
  const { id, spec, architecture, dataset } = experiment
  const { iterations } = spec.training
  const { splits, maxError } = spec.allocation
  const bucket = Math.ceil(iterations / mostPoints)
  const perSplit = async <T>(read: (split: Split) => Promise<T>) =>
    Object.fromEntries(await Promise.all(splits.map(async split => [split, await read(split)]))) as Record<
      Split,
      T
    >
  const [curves, layers, series, explained] = await Promise.all([
    perSplit(async split => (await ledger.iterations(id, { split, points: 2000 })).columns),
    perSplit(split => readLayers(ledger, id, split)),
    perSplit(split => readSeries(ledger, id, split, bucket)),
    perSplit(async split =>
      printableData(await readExplained(ledger, id, { split, from: 0, to: iterations, bucket })),
    ),
  ])
  if (Object.values(series).some(({ starts }) => starts.length === 0))
    throw new NothingToShow(`${id} is ${experiment.status}: nothing of it is allocated yet`)
  const parameters = layers[splits[0]].sums.reduce((sum, layer) => sum + layer.parameters, 0)
  const { name: optimizer, learningRate } = spec.optimizer
  const about = [
    `${architecture} (${thousands(parameters)} parameters) on ${dataset}`,
    `${optimizer} ${learningRate}${'momentum' in spec.optimizer && spec.optimizer.momentum ? `, momentum ${spec.optimizer.momentum}` : ''}`,
    `${thousands(iterations)} iterations`,
    `seed ${spec.training.seed}`,
  ].join(', ')
  const warningOf = (some: Split[]) =>
    unbalancedLine(
      Object.fromEntries(
        some.flatMap(split => (layers[split].unbalanced ? [[split, layers[split].unbalanced]] : [])),
      ),
    )
  const ledgers = splits.map((split): [string, string] => {
    const what = title ?? 'Who lowered the loss, and when: LCA per layer'
    const lines = { about: bucketed(about, bucket), warning: warningOf([split]) }
    return [`ledger-${split}`, ledgerFigure(`${what}, ${split}`, lines, series[split])]
  })
  const sums = Object.fromEntries(splits.map(split => [split, layers[split].sums]))
  const warning = warningOf(splits)
  return {
    ...Object.fromEntries(ledgers),
    // The loss is what it is, whatever became of its allocation.
    loss: lossFigure({ about }, curves),
    layers: layersFigure({ about, warning }, sums),
    residuals: residualsFigure({ about, warning }, curves, maxError),
    ...Object.assign(
      {},
      ...splits.map(split =>
        explainedFigures(explained[split], split, {
          about: bucketed(about, bucket),
          warning: warningOf([split]),
        }),
      ),
    ),
  }
}

/** Of what was recorded on a split. */
function explainedFigures(
  { curvature, tails, components, classes, counterfactuals, peaks }: Explained,
  split: Split,
  about: About,
): Figures {
  const stacked = ({ names, starts, ends, lca }: NonNullable<Explained['classes']>): LayerSeries => ({
    ...{ layers: names, starts, ends },
    lca: lca.map(row => row.map(value => value ?? Number.NaN)),
  })
  return {
    ...(curvature && {
      [`alpha-${split}`]: alphaFigure(`Where steps end along their line, ${split}`, about, curvature),
    }),
    ...(tails && {
      [`tails-${split}`]: tailsFigure(`How unequal single allocations are, ${split}`, about, tails),
    }),
    ...(components && {
      [`components-${split}`]: ledgerFigure(
        `Who lowered the loss: the batch’s gradient, momentum, decay, ${split}`,
        about,
        stacked(components),
      ),
    }),
    ...(classes && {
      [`classes-${split}`]: ledgerFigure(
        `Whose loss fell: LCA of each class, ${split}`,
        about,
        stacked(classes),
      ),
    }),
    ...(counterfactuals && {
      [`counterfactuals-${split}`]: counterfactualsFigure(
        `Parts of steps alone, against what LCA says, ${split}`,
        about,
        counterfactuals,
      ),
    }),
    ...(peaks && { [`peaks-${split}`]: peaksFigure(`When layers learn most, ${split}`, about, peaks) }),
  }
}

const bucketed = (about: string, bucket: number) =>
  bucket === 1 ? about : `${about}; means over ${number(bucket)} iterations`

async function readLayers(ledger: FigureSource, id: string, split: Split) {
  const { length, columns, unbalanced } = await ledger.layers(id, { split })
  const sums: LayerSums = Array.from({ length }, (_, i) => ({
    layer: columns.layer[i],
    parameters: columns.parameters[i],
    lca: columns.lca[i],
    helping: columns.helping[i],
    hurting: columns.hurting[i],
    helpFractionOfMoved: columns.helpFractionOfMoved[i],
    helpFractionOfAll: columns.helpFractionOfAll[i],
  }))
  return { sums, unbalanced }
}

/** The allocations table, a row of lca for every layer. */
async function readSeries(
  ledger: FigureSource,
  id: string,
  split: Split,
  bucket: number,
): Promise<LayerSeries> {
  const { length, columns } = await ledger.allocations(id, { split, by: 'layer', bucket })
  if (length === 0) return { layers: [], starts: [], ends: [], lca: [] }
  const layers = [...new Set(columns.layer)]
  const starts = [...new Set(columns.iteration)]
  const lca = layers.map(() => starts.map(() => 0))
  const ends = starts.map(() => 0)
  const layerIndex = new Map(layers.map((layer, i) => [layer, i]))
  const startIndex = new Map(starts.map((start, i) => [start, i]))
  for (let row = 0; row < length; row++) {
    const column = startIndex.get(columns.iteration[row])!
    lca[layerIndex.get(columns.layer[row])!][column] = columns.lca[row]
    ends[column] = columns.iteration[row] + columns.iterations[row]
  }
  return { layers, starts, ends, lca }
}

/** The differences of each split. Throws NothingToShow where there is nothing to compare. */
export async function sweepReport(
  ledger: LedgerClient,
  { id, name, variants, baseline }: Sweep,
): Promise<Figures> {
  const path = `/v1/sweeps/${id}/summary`
  const summary = printableData(await ledger.http.json<Summary>(path, { query: { measure: 'lca' } }))
  const { leftOut } = summary
  if (summary.items.length === 0)
    throw new NothingToShow(
      leftOut.length === 0
        ? `no experiment of ${id} has succeeded yet`
        : `the books of no experiment of ${id} that has succeeded balance; ledger sweep summary ${id} says why`,
    )
  if (variants.length < 2)
    throw new NothingToShow(`${id} has one variant only: there is nothing to compare it with`)
  // Of a variant that nothing has finished of yet there is nothing to show.
  const seen = summary.variants.filter(({ seeds }) => seeds.length > 0)
  const counts = [...new Set(seen.map(({ seeds }) => seeds.length))].sort((a, b) => a - b)
  const about = `${name ? `${name}: ` : ''}means over ${counts.join(' to ')} seeds, intervals of ${100 * summary.confidence} %, ${pairedInWords(summary.items)}`
  const left = leftOut.map(({ variant, seed }) => `${variant} seed ${seed}`)
  const warning = left.length > 0 ? `Left out, as their books do not balance: ${left.join(', ')}.` : undefined
  const splits = [...new Set(summary.items.map(({ split }) => split))]
  return Object.fromEntries(
    splits.map(split => [
      `differences-${split}`,
      sweepFigure(
        { about, warning },
        split,
        summary.items.filter(row => row.split === split),
        seen.map(({ label }) => label),
        baseline,
      ),
    ]),
  )
}

/** Losses and layers of each split, experiments beside each other. Throws NothingToShow where nothing is allocated yet. */
export function comparisonReport(found: Comparison, labels: string[]): Figures {
  const { experiments, fork, span, bucket, losses, layers, warnings } = found
  if (losses.length === 0) throw new NothingToShow('nothing of these experiments is allocated yet')
  const compared = experiments.map(({ id }, i) => ({ id, label: labels[i] }))
  const from = fork
    ? `iterations of ${fork.experiment}, left at ${fork.iteration}`
    : 'each from its own first iteration'
  const about = `${experiments.length} experiments, ${from}`
  const warning = warnings.length > 0 ? `Not comparable as they are: ${warnings[0].message}` : undefined
  const splits = [...new Set(losses.map(({ split }) => split))]
  return Object.fromEntries(
    splits.flatMap(split => {
      const rows = layers.filter(row => row.split === split)
      const curves = losses.filter(row => row.split === split)
      return [
        [
          `losses-${split}`,
          lossesFigure({ about: bucketed(about, bucket), warning }, split, curves, compared),
        ],
        ...(rows.length > 0 && span
          ? [
              [
                `layers-${split}`,
                comparedLayersFigure(
                  { about: `${about}; sums over [${span.from}, ${span.to})`, warning },
                  split,
                  rows,
                  compared,
                ),
              ],
            ]
          : []),
      ]
    }),
  )
}
