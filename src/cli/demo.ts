/** The main job on one screen: an experiment posted over HTTP, watched, and read back. */
import plot from 'simple-ascii-chart'
import { connect } from '../../clients/typescript/src/index.ts'
import { printableData } from '../printable.ts'
import type { ExperimentSpec } from '../spec/schema.ts'
import { findingLines } from './findings.ts'
import { duration, minus, signed, whole } from './format.ts'
import { describeLayers, type Layers, type Sums } from './layers-table.ts'
import { watch } from './progress.ts'

/** MNIST-FC in shape, on digits that need no download; sized to end within a minute on two cores. */
export const demoSpec: ExperimentSpec = {
  name: 'demo',
  dataset: { name: 'synthetic-digits', trainExamples: 4000, validationExamples: 1000 },
  architecture: { name: 'fc', hidden: [100, 50] },
  optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
  training: { iterations: 200, batchSize: 250, seed: 1 },
}

type Iteration = { iteration: number; loss: number; lossAfter: number; residual: number }

/**
 * Posts the demo's experiment to the API at `base` and prints what came of it. Throws where it does not succeed, and when
 * the signal aborts.
 */
export async function runDemo(base: string, signal: AbortSignal): Promise<void> {
  const started = performance.now()
  const ledger = connect({ url: base })
  const { id } = await ledger.submit(demoSpec)
  console.log(`Posted ${base}/v1/experiments/${id}\n${describe(demoSpec)}\n`)
  const experiment = await watch(ledger, id, undefined, signal)
  if (experiment.status !== 'succeeded')
    throw new Error(
      `the experiment ${experiment.status}: ${experiment.error?.message ?? 'no reason was recorded'}`,
    )
  console.log(`\ndone in ${duration((performance.now() - started) / 1e3)}\n`)

  const url = `/v1/experiments/${id}`
  const [train, validation, iterations] = await Promise.all([
    ledger.http.json<Layers>(`${url}/layers?split=train`),
    ledger.http.json<Layers>(`${url}/layers?split=validation`),
    ledger.http.json<{ items: Iteration[] }>(`${url}/iterations?split=train`),
  ])
  console.log(describeLayers(['train', train], ['validation', validation]))
  console.log('Negative LCA helped, positive hurt.\n')
  console.log(lossPlot(iterations.items).trimEnd())
  console.log('\nAudit of the train split')
  console.log(audit(iterations.items, train.total))
  console.log(`\n${findingLines(printableData(experiment.summary?.findings)).join('\n')}`)
  console.log(`
Look at it
  ${base}/#/experiments/${id}

Read on
  curl '${base}${url}'
  curl '${base}${url}/layers?split=validation&by=variable'
  curl '${base}${url}/findings'
  curl '${base}${url}/iterations?split=train&points=20'
  curl -H 'Accept: text/csv' '${base}${url}/allocations?split=train&by=layer'
  curl -O '${base}${url}/artifacts/allocations/train/0-50.npy'    # numpy.load reads it`)
}

function describe({ dataset, optimizer, training }: ExperimentSpec): string {
  const { name, learningRate, momentum } = optimizer as {
    name: string
    learningRate: number
    momentum: number
  }
  return [
    `fc 784-100-50-10 on ${dataset.name}`,
    `${whole(dataset.trainExamples!)} train and ${whole(dataset.validationExamples!)} validation examples`,
    `${name} ${learningRate}, momentum ${momentum}`,
    `${training.iterations} iterations`,
  ].join(', ')
}

/** The loss before every iteration and after the last, thinned out to the columns of the plot. */
function lossPlot(rows: Iteration[]): string {
  const losses = [...rows.map(({ loss }) => loss), rows[rows.length - 1].lossAfter]
  const width = 64
  const points = Array.from({ length: width }, (_, column): [number, number] => {
    const iteration = Math.round((column / (width - 1)) * rows.length)
    return [iteration, losses[iteration]]
  })
  return plot(points, {
    title: 'Loss on the train split, by iteration',
    width,
    height: 10,
    customXAxisTicks: [0, 1, 2, 3, 4].map(quarter => Math.round((quarter * rows.length) / 4)),
    formatter: (value, { axis }) => (axis === 'y' ? value.toFixed(2) : value),
  })
}

function audit(rows: Iteration[], total: Sums): string {
  const change = rows[rows.length - 1].lossAfter - rows[0].loss
  const worst = Math.max(...rows.map(({ residual }) => Math.abs(residual)))
  const lines = [
    ['change of the loss', signed(change, 6)],
    [`sum of all ${whole(total.parameters * rows.length)} allocations`, signed(total.lca, 6)],
    ['worst residual of an iteration', minus(worst.toExponential(1))],
  ]
  return lines.map(([what, value]) => `${what.padEnd(40)}${value.padStart(10)}`).join('\n')
}
