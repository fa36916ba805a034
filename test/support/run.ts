/**
 * Runs the tests: `node dist/test/support/run.js [name …] [--flag …]`. Names select the test files that contain them;
 * flags go to node. One PostgreSQL server is started for all of them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serverVariable, startTestServer } from './database.ts'

const directory = dirname(dirname(fileURLToPath(import.meta.url)))
const args = process.argv.slice(2)
const names = args.filter(arg => !arg.startsWith('-'))
const files = readdirSync(directory)
  .filter(file => file.endsWith('.test.js'))
  .filter(file => names.length === 0 || names.some(name => file.includes(name)))
  .sort()
if (files.length === 0) throw new Error(`no test file is called anything like ${names.join(', ')}`)

const server = await startTestServer()
const tests = spawn(
  process.execPath,
  // Node's own choice is a core less, which on two cores is one file at a time.
  [
    '--test',
    `--test-concurrency=${availableParallelism()}`,
    // What hangs is a failure too, not a run without end.
    '--test-timeout=240000',
    ...args.filter(arg => arg.startsWith('-')),
    ...files.map(file => join(directory, file)),
  ],
  { stdio: 'inherit', env: { ...process.env, [serverVariable]: server.url } },
)
// A Ctrl-C reaches the tests too; this waits for them, and then stops the server.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => tests.kill(signal))
const [code, signal] = await once(tests, 'exit')
await server.stop()
process.exitCode = signal === null ? (code ?? 1) : 1
