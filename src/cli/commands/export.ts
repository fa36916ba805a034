import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import { printableLines } from '../../printable.ts'
import { experimentId, idHelp, open, positive } from '../connection.ts'
import { ExitWith, exitCodes, UsageError } from '../exit.ts'

export default (program: Command) =>
  program
    .command('export')
    .argument('<experiment>', idHelp)
    .argument('<folder>', 'where to; what is there already stays')
    .addOption(
      new Option('--to <tracker>', 'whose format')
        .choices(['tensorboard', 'mlflow', 'wandb-offline'])
        .makeOptionMandatory(),
    )
    .option(
      '--bucket <iterations>',
      'so many iterations summed in LCA and help fractions of layers',
      positive,
      1,
    )
    .description('write what trackers show: losses, accuracies, LCA by layer, the spec as parameters, tags')
    .addHelpText(
      'after',
      `
It is written by the tracker's own library, which is Python's, and by the Python package of this service:
LEDGER_PYTHON, or python3, needs httpx, numpy and tensorboard, mlflow or wandb.`,
    )
    .action(
      async (typed: string, folder: string, options: { to: string; bucket: number }, command: Command) => {
        const session = open(command)
        const id = await experimentId(session.ledger, typed)
        const python = process.env.LEDGER_PYTHON ?? 'python3'
        const args = ['export', id, folder, '--to', options.to, '--bucket', String(options.bucket)]
        const child = spawn(python, ['-m', 'loss_ledger', ...args], {
          env: { ...process.env, LEDGER_URL: session.url, ...withPackage() },
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        const [out, err, code] = await Promise.all([
          text(child.stdout),
          text(child.stderr),
          once(child, 'close').then(([code]) => code as number | null),
        ]).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error
          throw new UsageError(`there is no ${python}: LEDGER_PYTHON names another Python, 3.10 or later`)
        })
        const missing = /No module named '?(loss_ledger|httpx|numpy)\b/.exec(err)?.[1]
        if (missing !== undefined) {
          const wanted =
            missing === 'loss_ledger' ? '(the folder clients/python of this project)' : 'httpx numpy'
          throw new UsageError(
            `${python} has no ${missing}: ${python} -m pip install ${wanted}; or LEDGER_PYTHON names another Python`,
          )
        }
        // It may be the API's words.
        if (err !== '') console.error(printableLines(err.trimEnd()))
        if (code !== 0) throw new ExitWith(exitCodes.fault)
        session.print({ path: out.trim() }, shown => shown.path)
      },
    )

/** The package that lies beside this service, where it does, before any that is installed. */
function withPackage(): { PYTHONPATH?: string } {
  const sources = path.resolve(import.meta.dirname, '../../../../clients/python/src')
  if (!existsSync(sources)) return {}
  const { PYTHONPATH } = process.env
  return { PYTHONPATH: PYTHONPATH ? `${sources}${path.delimiter}${PYTHONPATH}` : sources }
}
