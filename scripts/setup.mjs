/**
 * Everything a fresh clone needs, and only what is missing: packages, native TensorFlow, the Prisma client, the build, the
 * pages. In a package that npm has installed everything is there but native TensorFlow.
 *
 * Plain JavaScript without a dependency, for it runs before any is there. Each step leaves a stamp of what it was made
 * from in node_modules/.loss-ledger.json, so that a second run costs a second. `npm run setup` (--force-native) tries
 * again to build native TensorFlow where that failed before.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { tensorflowVariant } from './cuda-wheels.mjs'
import { firstWritable } from './folders.mjs'
import { buildNative, NativeUnavailable } from './native-tensorflow.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
process.chdir(root)
const stampFile = 'node_modules/.loss-ledger.json'
const stamps = readJson(stampFile) ?? {}
const isClone = existsSync('tsconfig.json')
const forceNative = process.argv.includes('--force-native') || !isClone

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node ${process.versions.node} is too old: Loss Ledger needs 20.19 or later`)
const engine = process.env.LEDGER_ENGINE
if (engine && !['native', 'wasm'].includes(engine))
  fail(`LEDGER_ENGINE=${engine} is not an engine: native or wasm`)

if (isClone)
  await step('packages', hash('package-lock.json', '.npmrc', process.platform, process.arch), () =>
    npm('ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'),
  )
await native()
if (isClone) await build()

/** What is made of the sources. */
async function build() {
  await step('prisma', hash('prisma/schema.prisma', 'node_modules/prisma/package.json'), () =>
    // `generate` looks for a schema engine and would download one; it runs on WASM and never calls it.
    run(process.execPath, ['node_modules/prisma/build/index.js', 'generate'], {
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    }),
  )
  // The compiler knows by itself what is out of date.
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']).catch(error =>
    fail(error.message),
  )
  // The pages, which Vite builds; of them and of what they use nothing may have changed, or it does.
  await step(
    'pages',
    hash(
      ...filesUnder('src/web', 'src/figures', 'src/statistics', 'clients/typescript/src'),
      ...['src/spec/differences.ts', 'src/spec/field-names.ts', 'src/spec/json-path.ts'],
      stamps.packages,
    ),
    async () => {
      const vite = (...more) =>
        run(process.execPath, ['node_modules/vite/bin/vite.js', 'build', 'src/web', ...more])
      await vite()
      await vite('--config', 'src/web/report.vite.mjs')
    },
    existsSync('dist/web/index.html') && existsSync('dist/report/report.js'),
  )
}

/** Builds the native engine where this machine can; says in one line what is missing where it cannot. */
async function native() {
  if (engine === 'wasm') return
  // A GPU that has come or gone is another TensorFlow.
  const variant = tensorflowVariant()
  const key = hash(
    'scripts/native-tensorflow.mjs',
    'scripts/platforms.mjs',
    'scripts/cuda-wheels.mjs',
    ...filesUnder('native'),
    stamps.packages,
    variant,
  )
  const known = stamps.native?.key === key
  if (known && stamps.native.built) return
  let reason = known && !forceNative && engine !== 'native' ? stamps.native.reason : undefined
  if (!reason) {
    try {
      await timed('native TensorFlow', () => buildNative(root, variant, note))
      return stamp('native', { key, built: true })
    } catch (error) {
      if (!(error instanceof NativeUnavailable)) throw error
      reason = error.message
      stamp('native', { key, built: false, reason })
    }
  }
  if (engine === 'native') fail(`LEDGER_ENGINE=native cannot be met: ${reason}`)
  note(
    `native TensorFlow is not available: ${reason}. Everything works on WebAssembly, several times slower (${isClone ? 'npm run setup' : 'this script'} tries again).`,
  )
}

async function step(name, key, work, isThere = true) {
  if (stamps[name] === key && isThere) return
  await timed(name, work).catch(error => fail(`${name}: ${error.message}`))
  stamp(name, key)
}

async function timed(name, work) {
  note(`${name} …`)
  const start = performance.now()
  await work()
  note(`${name}: ready in ${((performance.now() - start) / 1000).toFixed(1)} s`)
}

function stamp(name, value) {
  stamps[name] = value
  mkdirSync('node_modules', { recursive: true })
  writeFileSync(stampFile, JSON.stringify(stamps, null, 1))
}

/** Runs a command quietly; its output is shown only if it fails. */
function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    // A debugger is for this process: its port is taken, and with --inspect-brk a child would wait for ever.
    const NODE_OPTIONS = (process.env.NODE_OPTIONS ?? '').replace(/(^|\s)--inspect\S*/g, '')
    const child = spawn(command, args, {
      env: { ...process.env, NODE_OPTIONS, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', data => (output += data))
    child.stderr.on('data', data => (output += data))
    child.on('error', reject)
    child.on('close', code =>
      code === 0
        ? resolve()
        : reject(
            new Error(
              `${path.basename(args[0] ?? command)} ended with code ${code}\n${output.trim().split('\n').slice(0, 20).join('\n')}`,
            ),
          ),
    )
  })
}

/** npm's cache: the user's, or where the home is read-only, one for the time of this process. */
function npmCache() {
  const home = process.env.npm_config_cache || path.join(os.homedir(), '.npm')
  if (firstWritable(home)) return home
  const own = mkdtempSync(path.join(os.tmpdir(), 'loss-ledger-npm-'))
  process.on('exit', () => rmSync(own, { recursive: true, force: true }))
  return own
}

/** npm, as the one that runs this script where it does (on Windows npm is no executable). */
function npm(...args) {
  const script = process.env.npm_execpath
  const env = { npm_config_cache: npmCache() }
  return script?.endsWith('.js') ? run(process.execPath, [script, ...args], env) : run('npm', args, env)
}

/** Of files by content, of anything else by its text. */
function hash(...parts) {
  const digest = createHash('sha256')
  for (const part of parts)
    digest.update(existsSync(String(part)) ? readFileSync(part) : String(part)).update('\0')
  return digest.digest('hex').slice(0, 16)
}

/** The files in some folders and in those in them, in order. */
function filesUnder(...folders) {
  return folders.flatMap(folder =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => path.join(entry.parentPath, entry.name))
      .sort(),
  )
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function note(line) {
  console.error(`set-up  ${line}`)
}

function fail(message) {
  console.error(`set-up failed: ${message}`)
  process.exit(1)
}
