import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import { printableLines } from '../../printable.ts'
import { experimentId, idHelp, open, positive } from '../connection.ts'
import { ExitWith, exitCodes, UsageError } from '../exit.ts'
import { withAmends } from '../interruption.ts'

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
        const python = process.env.LEDGER_PYTHON || 'python3'
        const args = ['export', id, folder, '--to', options.to, '--bucket', String(options.bucket)]
        const { out, err, code, signal } = await runPackage(python, args, session.url)
        const path = out.trim()
        const lacks = /No module named '?(loss_ledger|httpx|numpy)\b/.exec(err)?.[1]
        if (lacks !== undefined) {
          const wanted =
            lacks === 'loss_ledger' ? '(the folder clients/python of this project)' : 'httpx numpy'
          throw new UsageError(
            `${python} has no ${lacks}: ${python} -m pip install ${wanted}; or LEDGER_PYTHON names another Python`,
          )
        }
        // It may be the API's words.
        if (err !== '') console.error(printableLines(err.trimEnd()))
        if (code === 0 && path !== '') return session.print({ path }, shown => shown.path)
        if (code !== null && told.has(code)) throw new ExitWith(code)
        const end = signal ? `was ended by ${signal}` : `ended with code ${code}`
        if (err === '')
          throw new UsageError(
            `${python} ${end} and did not say why: is it a Python, 3.10 or later? LEDGER_PYTHON names another one`,
          )
        console.error(`${python} ${end}`)
        throw new ExitWith(exitCodes.fault)
      },
    )

/** Codes with which the package ends when it has said what is wrong: they mean what ours do. */
const { usage, refused, missing, forbidden, unavailable } = exitCodes
const told = new Set<number | null>([usage, refused, missing, forbidden, unavailable])

async function runPackage(python: string, args: string[], url: string) {
  const child = spawn(python, ['-m', 'loss_ledger', ...args], {
    env: { ...process.env, LEDGER_URL: url, ...withPackage() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // It removes what it has begun.
  const stopped = () => {
    child.kill()
    return 'stopped: what was begun of it is removed, as far as the tracker’s library lets go of it'
  }
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  try {
    return await withAmends(stopped, async () => {
      const [out, err, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
      return { out, err, code, signal }
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EACCES') throw error
    throw new UsageError(
      `${python} ${code === 'ENOENT' ? 'is not there' : 'is no program'}: LEDGER_PYTHON names a Python, 3.10 or later, without options`,
    )
  }
}

/** The package that lies beside this service, where it does, before any that is installed. */
function withPackage(): { PYTHONPATH?: string } {
  const sources = path.resolve(import.meta.dirname, '../../../../clients/python/src')
  if (!existsSync(sources)) return {}
  const { PYTHONPATH } = process.env
  return { PYTHONPATH: PYTHONPATH ? `${sources}${path.delimiter}${PYTHONPATH}` : sources }
}
