/**
 * Runs the tests: `node dist/test/support/run.js [name …] [--test-name-pattern=regexp]`. Names select the test files that
 * contain them. One PostgreSQL server is started for all of them, and openapi.yaml read. Flags of Node's that are to reach the tests go before
 * the script.
 */
import { setMaxListeners } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { finished } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { childrenOf } from './child-processes.ts'
import { contract, contractVariable } from './conformance.ts'
import { serverVariable, startTestServer } from './database.ts'

/** What takes longest begins first: whoever came last would keep one core waiting for it. */
const longest = [...['command-line', 'chaos', 'worker-life', 'worker-life-redis', 'python-client']].map(
  name => `${name}.test.js`,
)
const rank = (file: string) => (longest.includes(file) ? longest.indexOf(file) : longest.length)

/**
 * Kinds of files of which so many are run in one process, one after another: they read much of the product, some of them
 * TensorFlow, which takes longer than what they then do. They keep all that they change (a server, a database) to their own
 * `describe`.
 */
const together = [
  { kind: /^api-/, most: 4 },
  { kind: /^diagnostics-/, most: 4 },
  // What TensorFlow computes.
  {
    kind: /^(architectures|conservation|convolutions|dispatch-counts|ends|fused-kernels|generated-datasets|gradients|graphs|interventions|network-gradients|optimizers|running-statistics|same-bits|samples|sample-errors|saturation|training-options|transformer-gradients)\./,
    most: 5,
  },
  // Functions of what they are given.
  {
    kind: /^(findings|fleet-plan|image-arrangement|job-cost|npy|platforms|progress-bars|quadrature|random-streams|scaling-model|spec-errors|spec-resolution|statistics|sweep-expansion|synthetic-digits|units)\./,
    most: 8,
  },
]

const { values, positionals: names } = parseArgs({
  options: { 'test-name-pattern': { type: 'string', multiple: true } },
  allowPositionals: true,
})
const directory = dirname(dirname(fileURLToPath(import.meta.url)))
const all = readdirSync(directory).filter(file => file.endsWith('.test.js'))
const unknown = longest.find(file => !all.includes(file))
if (unknown) throw new Error(`${unknown} is to begin early, and there is no such test`)
const files = all
  .filter(file => names.length === 0 || names.some(name => file.includes(name)))
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
if (files.length === 0) throw new Error(`no test file is called anything like ${names.join(', ')}`)

// Most files wait more than they compute: for locks to run out, for processes that are killed and come back. On a small
// machine twice as many files as cores keep the cores busy; on a large one there are enough, and memory is what they take.
const cores = availableParallelism()
const concurrency = Math.max(cores, Math.min(2 * cores, 8))

// Everything that tests write and remove: in memory where there is enough of it, for removing the thousands of files that
// every cluster and database is made of takes a disk longer than the tests.
const memory = '/dev/shm'
const roomy = existsSync(memory) && free(memory) > 4 * 2 ** 30
const scratch = mkdtempSync(join(roomy ? memory : tmpdir(), 'loss-ledger-run-'))
// Whoever runs Postgres has to get to its files.
chmodSync(scratch, 0o711)
process.env.TMPDIR = scratch
const server = await startTestServer()
process.env[serverVariable] = server.url
process.env[contractVariable] = join(scratch, 'openapi.json')
writeFileSync(process.env[contractVariable], JSON.stringify(contract))
const interrupted = new AbortController()
// Every file listens.
setMaxListeners(0, interrupted.signal)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
const tests = run({
  files: inProcesses(files),
  concurrency,
  // Of a file. What hangs is a failure too, not a run without end.
  timeout: 400_000,
  testNamePatterns: values['test-name-pattern'],
  signal: interrupted.signal,
})
const took = new Map<string, number>()
tests.on('test:complete', ({ name, details }) => {
  if (/\.test\.m?js$/.test(name))
    took.set(basename(name).replace(/\.test\.m?js$/, ''), details.duration_ms / 1000)
})
tests.on('test:fail', () => {
  process.exitCode = 1
})
tests.compose(new spec()).pipe(process.stdout)
await finished(tests)
await server.stop()
rmSync(scratch, { recursive: true, force: true })
const slowest = [...took].sort(([, a], [, b]) => b - a).slice(0, 10)
console.log(
  `seconds of the longest files: ${slowest.map(([name, s]) => `${name} ${s.toFixed(0)}`).join(', ')}`,
)
if (interrupted.signal.aborted) process.exitCode = 1
// A file whose time is over has been told to end, which some do not do.
for (const pid of childrenOf(process.pid)) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by now.
  }
}

/** The paths of what is to be run, in its order: of the files themselves, or of ones that read several. */
function inProcesses(files: string[]): string[] {
  const paths: string[] = []
  const rest = new Set(files)
  for (const file of files) {
    if (!rest.has(file)) continue
    const { kind, most } = together.find(({ kind }) => kind.test(file)) ?? { most: 1 }
    const some = kind === undefined ? [file] : [...rest].filter(one => kind.test(one)).slice(0, most)
    for (const one of some) rest.delete(one)
    if (some.length === 1) {
      paths.push(join(directory, file))
      continue
    }
    const path = join(scratch, `${basename(file, '.test.js')}-and-${some.length - 1}-more.test.mjs`)
    const urls = some.map(one => pathToFileURL(join(directory, one)).href)
    // No test begins before all are read: else it might while its own file is, whose constants are not there yet.
    const gate = [
      "import { before } from 'node:test'",
      'let open',
      'before(() => new Promise(done => { open = done }))',
    ]
    const reads = urls.map(url => `await import(${JSON.stringify(url)})`)
    writeFileSync(path, [...gate, ...reads, 'open()', ''].join('\n'))
    paths.push(path)
  }
  return paths
}

/** Bytes of a file system that this user may still write. */
function free(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}
