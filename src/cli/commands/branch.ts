/** Another future of an experiment: its spec from one of its iterations on, with something changed. */
import { type Command, InvalidArgumentError } from 'commander'
import type { ExperimentSpec } from '../../../clients/typescript/src/index.ts'
import { collect, experimentId, idHelp, open } from '../connection.ts'
import { UsageError } from '../exit.ts'
import { applySettings } from '../input.ts'
import { postExperiment } from '../posted.ts'

type Options = {
  at?: number
  iterations?: number
  name?: string
  set?: string[]
  withoutState?: boolean
  idempotencyKey?: string
  watch?: boolean
}

const count = (text: string) => {
  if (!/^\d{1,8}$/.test(text)) throw new InvalidArgumentError('It is not a number of iterations.')
  return Number(text)
}

export default (program: Command) =>
  program
    .command('branch')
    .argument('<experiment>', idHelp)
    .description('go on with an experiment from one of its iterations, with something changed')
    .option('--at <iteration>', 'where; its end if absent', count)
    .option('--iterations <n>', 'how many; as many as it had left if absent', count)
    .option('--name <text>', 'its name')
    .option('--set <path=value>', 'any field of the spec; may be repeated', collect)
    .option('--without-state', 'from its weights alone: optimizers, schedules and shuffles start afresh')
    .option('--idempotency-key <text>', 'posting the same twice is one experiment')
    .option('-w, --watch', 'follow it to its end; the exit code says how that was')
    .addHelpText(
      'after',
      `
Examples:
  ledger branch last --at 100 --set 'layers.fc_3.freeze=true' --watch
  ledger branch last --iterations 200   goes on where it ended`,
    )
    .action(async (typed: string, options: Options, command: Command) => {
      const session = open(command)
      const { ledger } = session
      const id = await experimentId(ledger, typed)
      const { spec: parent } = await ledger.get(id)
      const iteration = options.at ?? parent.training.iterations
      const left = parent.training.iterations - iteration
      if (left < 0)
        throw new UsageError(`--at must be ≤ ${parent.training.iterations}, its iterations; got ${iteration}`)
      const iterations = options.iterations ?? left
      if (iterations === 0) throw new UsageError('say how far it is to go on: --iterations <n>')
      const state = options.withoutState ? {} : { state: true }
      const { name, ...rest } = parent
      const spec = {
        name: options.name ?? `${(name ?? id.slice(-12)).slice(0, 180)} from ${iteration}`,
        ...rest,
        training: { ...parent.training, iterations, initial: { experiment: id, iteration, ...state } },
      }
      const changed = applySettings(spec, options.set ?? []) as ExperimentSpec
      await postExperiment(session, changed, options)
    })
