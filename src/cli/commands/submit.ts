import { type Command, InvalidArgumentError } from 'commander'
import type { ExperimentSpec } from '../../../clients/typescript/src/index.ts'
import { collect, open } from '../connection.ts'
import { UsageError } from '../exit.ts'
import { duration, fold, percent, table, whole } from '../format.ts'
import { applySettings, readDocument, split } from '../input.ts'
import { postExperiment } from '../posted.ts'

type Options = {
  dataset?: string
  architecture?: string
  hidden?: number[]
  optimizer?: string
  learningRate?: number
  momentum?: number
  iterations?: number
  batchSize?: number
  seed?: number
  name?: string
  freeze?: string[]
  tag?: string[]
  set?: string[]
  idempotencyKey?: string
  preview?: boolean
  watch?: boolean
}

const numeric = (text: string) => {
  if (text.trim() === '' || !Number.isFinite(Number(text)))
    throw new InvalidArgumentError('It is not a number.')
  return Number(text)
}
const numbers = (text: string) => (text === '' ? [] : text.split(',').map(numeric))

export default (program: Command) =>
  program
    .command('submit')
    .argument('[file]', 'a spec as JSON or YAML; - reads it from stdin. Flags change what it says')
    .description('post an experiment')
    .option('--name <text>', 'its name')
    .option('--dataset <name>', 'synthetic-digits, mnist, …')
    .option('--architecture <name>', 'fc, …')
    .option('--hidden <units>', 'hidden layers of fc: 100,50', numbers)
    .option('--optimizer <name>', 'sgd, adam, …')
    .option('--learning-rate <number>', 'of the optimizer', numeric)
    .option('--momentum <number>', 'of the optimizer', numeric)
    .option('--iterations <n>', 'optimizer steps', numeric)
    .option('--batch-size <n>', 'examples a step', numeric)
    .option('--seed <n>', 'of weights, shuffles and dropout', numeric)
    .option('--freeze <layer>', 'a layer or glob, or layer:from-until; may be repeated', collect)
    .option('--tag <key=value>', 'may be repeated', collect)
    .option('--set <path=value>', 'any field: allocation.method=boole; may be repeated', collect)
    .option('--idempotency-key <text>', 'posting the same twice is one experiment')
    .option('--preview', 'say what it would be and cost; post nothing')
    .option('-w, --watch', 'follow it to its end; the exit code says how that was')
    .addHelpText(
      'after',
      `
Examples:
  ledger submit --dataset mnist --architecture fc --optimizer sgd --learning-rate 0.05 --iterations 220 --watch
  ledger submit spec.json --freeze fc_3 --set allocation.method=boole
  jq '.training.seed = 7' spec.json | ledger submit - --json`,
    )
    .action(async (file: string | undefined, options: Options, command: Command) => {
      const session = open(command)
      const { ledger } = session
      const spec = (await specOf(file, options)) as ExperimentSpec
      if (options.preview) {
        const preview = await ledger.preview(spec)
        return session.print(preview, describePreview)
      }
      await postExperiment(session, spec, options)
    })

/** The spec in the file, changed as the flags say. */
export async function specOf(file: string | undefined, options: Options): Promise<unknown> {
  const fields: [path: string, value: unknown][] = [
    ['name', options.name],
    ['dataset.name', options.dataset],
    ['architecture.name', options.architecture],
    ['architecture.hidden', options.hidden],
    ['optimizer.name', options.optimizer],
    ['optimizer.learningRate', options.learningRate],
    ['optimizer.momentum', options.momentum],
    ['training.iterations', options.iterations],
    ['training.batchSize', options.batchSize],
    ['training.seed', options.seed],
    ...(options.tag ?? []).map((pair): [string, unknown] => {
      const [key, value] = split(pair, '=')
      return [`tags[${JSON.stringify(key)}]`, value]
    }),
    ...(options.freeze ?? []).map((freeze): [string, unknown] => {
      const span = /^(.+):(\d*)-(\d*)$/.exec(freeze)
      const [layer, from, until] = span ? span.slice(1) : [freeze, '', '']
      const value = { ...(from && { from: Number(from) }), ...(until && { until: Number(until) }) }
      return [`layers[${JSON.stringify(layer)}].freeze`, span ? value : true]
    }),
  ]
  const given = fields.filter(([, value]) => value !== undefined)
  const settings = [
    ...given.map(([path, value]) => `${path}=${JSON.stringify(value)}`),
    ...(options.set ?? []),
  ]
  if (file === undefined && settings.length === 0)
    throw new UsageError('say what to run: a file, - for stdin, or flags; ledger submit --help shows them')
  return applySettings(file === undefined ? {} : await readDocument(file), settings)
}

type Preview = Awaited<ReturnType<ReturnType<typeof open>['ledger']['preview']>>

function describePreview(preview: Preview): string {
  const { parameters, layers, segments, gradientPasses, examples = {}, saved, flops, bytes } = preview
  const samples = Object.entries(examples).filter(([, { examples, of }]) => examples < of)

  const rows = layers.map(({ layer, parameters, optimizer, freeze }) => [
    layer,
    whole(parameters),
    `${optimizer.name} ${optimizer.learningRate}`,
    freeze ? `${freeze.from}–${freeze.until ?? ''}` : '',
  ])
  const passes = Object.entries(gradientPasses).map(([split, n]) => `${whole(n)} on ${split}`)
  return [
    table(['layer', 'parameters', 'optimizer', 'frozen'], [...rows, ['all', whole(parameters), '', '']]),
    '',
    `full gradients   ${passes.join(', ')}, in ${segments} ${segments === 1 ? 'segment' : 'segments'}`,
    ...(samples.length === 0
      ? []
      : [
          `samples          ${samples.map(([split, { examples, of }]) => `${whole(examples)} of ${whole(of)} on ${split}`).join(', ')}: saves ${percent(saved.flops / (saved.flops + flops.allocation), 0)}`,
        ]),
    `work             ${(flops.allocation / 1e12).toFixed(2)} TFLOP of allocation: ${duration(flops.allocation / 1e11)} at 100 GFLOP/s`,
    `storage          ${(bytes.kept / 2 ** 20).toFixed(1)} MiB`,
    ...Object.entries(preview.diagnostics ?? {}).flatMap(([name, { note }]) =>
      note === undefined ? [] : fold(`${name}, ${note}`, 17, 'not recorded     '),
    ),
  ].join('\n')
}
