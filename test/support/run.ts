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

const { values, positionals: names } = parseArgs({
  options: { 'test-name-pattern': { type: 'string', multiple: true } },
  allowPositionals: true,
})
const directory = dirname(dirname(fileURLToPath(import.meta.url)))
const all = readdirSync(directory).filter(file => file.endsWith('.test.js'))
const called = (names: string) =>
  names
    .trim()
    .split(/\s+/)
    .map(name => `${name}.test.js`)
const beginningWith = (prefix: string) => all.filter(file => file.startsWith(prefix))

/** What takes longest begins first: whoever came last would keep one core waiting for it. */
const longest = called('chaos pages python-client worker-life-redis worker-life command-line')

/**
 * Files of which so many are run in one process, one after another: they read much of the product, some of them
 * TensorFlow, which takes longer than what they then do. What they change (a server, a database) is their own; none sets
 * a variable of the environment.
 */
const together: { files: string[]; most: number }[] = [
  // An API over a database of its own.
  { files: [...beginningWith('api-'), ...called('openapi-drift fair-turns redis-away')], most: 6 },
  {
    files: called(`client compare dataset-formats dataset-limits dataset-uploads earlier-rows joined-tensors
      keys-stay-home list-queries sweep-tables table-limits trajectory-uploads unbalanced-books`),
    most: 7,
  },
  { files: called('command-line command-line-results'), most: 2 },
  {
    files:
      called(`broken-connections device-choice kubernetes ledger-blocks migrations segment-recording store-claim
      worker-connections`),
    most: 8,
  },
  { files: called('worker-life worker-repairs'), most: 2 },
  { files: beginningWith('diagnostics-'), most: 6 },
  // What TensorFlow computes; each test loads the engine that it is about.
  {
    files: called(`architectures conservation convolutions dispatch-counts ends full-gradients
      generated-datasets gradients graphs host-loops initial-weights interventions network-gradients optimizers
      running-statistics same-bits samples sample-errors saturation token-experiments training-options transformer-gradients`),
    most: 8,
  },
  // They load native TensorFlow before any test begins, and others WebAssembly.
  { files: called('dense-chain fused-kernels'), most: 2 },
  { files: called('branches policies training-resume'), most: 3 },
  // Functions of what they are given, and of files.
  {
    files:
      called(`allocator cifar-files configuration cuda-setup damaged-weights figures-in-words findings fleet-plan idx-files
      image-arrangement imports job-cost npy objects platforms progress-bars quadrature random-streams raw-tensors
      scaling-model spec-errors spec-resolution statistics sweep-expansion synthetic-digits trajectory-steps units`),
    most: 27,
  },
]
const unknown = [...longest, ...together.flatMap(({ files }) => files)].find(file => !all.includes(file))
if (unknown) throw new Error(`${unknown} is named in the order of the tests, and there is no such test`)

const rank = (file: string) => (longest.includes(file) ? longest.indexOf(file) : longest.length)
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
    const kind = together.find(({ files }) => files.includes(file)) ?? { files: [file], most: 1 }
    const some = [...rest].filter(one => kind.files.includes(one)).slice(0, kind.most)
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
