#!/usr/bin/env node
/** The command line: which commands there are, and how they end. */
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { Command, Option } from 'commander'
import { printableLines } from '../printable.ts'
import { leaveTerminal } from '../terminal.ts'
import archive from './commands/archive.ts'
import branch from './commands/branch.ts'
import compare from './commands/compare.ts'
import completion from './commands/completion.ts'
import datasets from './commands/datasets.ts'
import demo from './commands/demo.ts'
import diagnostics from './commands/diagnostics.ts'
import doctor from './commands/doctor.ts'
import download from './commands/download.ts'
import edit from './commands/edit.ts'
import exportTo from './commands/export.ts'
import extend from './commands/extend.ts'
import findings from './commands/findings.ts'
import keys from './commands/keys.ts'
import layers from './commands/layers.ts'
import list from './commands/list.ts'
import logs from './commands/logs.ts'
import migrate from './commands/migrate.ts'
import report from './commands/report.ts'
import serve from './commands/serve.ts'
import show from './commands/show.ts'
import steer from './commands/steer.ts'
import submit from './commands/submit.ts'
import sweep from './commands/sweep.ts'
import watch from './commands/watch.ts'
import worker from './commands/worker.ts'
import { exitCodes, exitHelp, explain } from './exit.ts'

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string }

const program = new Command('ledger')
  .version(version, '-V, --version')
  .description(
    'Loss Change Allocation as a service: how much every parameter helped or hurt the loss, at every iteration.',
  )
  .addOption(new Option('--url <url>', 'where the API is').env('LEDGER_URL').default('http://127.0.0.1:3000'))
  .option('--json', 'print JSON, for programs')
  .addHelpText('after', `\nThe API key, where one is needed, is read from LEDGER_API_KEY.\n${exitHelp}`)
  .showSuggestionAfterError()
  // Thrown, not exited: explain() knows the codes.
  .exitOverride()

for (const command of [
  ...[
    demo,
    serve,
    worker,
    submit,
    branch,
    watch,
    list,
    show,
    layers,
    diagnostics,
    findings,
    steer,
    edit,
    logs,
  ],
  ...[
    download,
    exportTo,
    archive,
    compare,
    extend,
    sweep,
    datasets,
    keys,
    migrate,
    report,
    doctor,
    completion,
  ],
])
  command(program)

// A proxy (NODE_USE_ENV_PROXY) is for the way out, and cannot reach this machine's own addresses as this machine does.
const direct = process.env.no_proxy === undefined ? 'NO_PROXY' : 'no_proxy'
if (process.env[direct] !== '*')
  process.env[direct] = [process.env[direct], 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join(',')

// A reader that has seen enough (head, less) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  leaveTerminal()
  console.error(`what was to be printed could not be written: ${error.message}`)
  process.exit(exitCodes.fault)
})

// Progress that nobody can read any more is none either.
process.stderr.on('error', () => {})

try {
  await program.parseAsync()
} catch (error) {
  const { code, words } = explain(error, process.env.LOG_LEVEL === 'debug')
  if (words !== undefined) console.error(printableLines(typeof words === 'string' ? words : inspect(words)))
  process.exit(code)
}
