/**
 * Native TensorFlow for @tensorflow/tfjs-node-gpu: the libraries of the Python wheel, and the binding compiled on them.
 * Where there is an NVIDIA GPU, the wheel with CUDA and the wheels with CUDA's own libraries that it names; only the
 * driver is taken from the machine.
 *
 * The npm package's own install script fetches a TensorFlow of 2022 from one vendor's host. The wheel, which pip gets
 * from wherever this machine gets its wheels, carries the same C API in a current version; the binding's C++ source
 * comes in the npm package, and Node's C API headers in node-api-headers, so no Node headers and no node-gyp are needed, and
 * what is built with one Node loads in any other from 20 on.
 * Linked into it are operations of our own (native/), which register themselves with TensorFlow when it is loaded.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { cudaRequirements, libraryFolders, openedLibraries } from './cuda-wheels.mjs'
import { firstWritable } from './folders.mjs'
import { recipeFor } from './platforms.mjs'

const execute = promisify(execFile)
const version = '2.21.0'

/**
 * For our own operations: loops become vectors and products that are added one instruction where there is one; but sums keep
 * their order, and NaN, infinities and −0 stay what they are (-ffast-math would let go of all that). Neither errno nor the
 * processor's flags are ever looked at. Vectors wider than the machine's are never passed between files (-Wno-psabi).
 */
const ownFlags = [
  ...['-O3', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math'],
  ...['-fvisibility=hidden', '-pthread', '-Wall', '-Wno-psabi'],
]

/** Why this machine cannot have the native engine, in half a sentence. Anything else that is thrown is a bug. */
export class NativeUnavailable extends Error {}

/**
 * Downloads (once a machine, into the user's cache), compiles, and tries the result. `variant` is cpu or cuda; `note` gets
 * lines for the user.
 */
export async function buildNative(root, variant, note) {
  const recipe = recipeFor(process.platform, process.arch, variant)
  if (recipe.unavailable) throw new NativeUnavailable(recipe.unavailable)
  if (process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime)
    throw new NativeUnavailable('it needs glibc, and this Linux has another C library')
  await need(recipe.compiler, ['--version'], recipe.compilerMissing)
  await need(
    'python3',
    ['-m', 'pip', '--version'],
    'python3 with pip is missing (Debian: apt-get install python3-pip)',
  )

  const site = await fetchTensorFlow(recipe, variant, root, note)
  const tensorflow = path.join(site, 'tensorflow')
  const cuda = await filesUnder(site, 'nvidia')
  const searched = [tensorflow, ...libraryFolders(cuda).map(name => path.join(site, name))]
  const require = createRequire(path.join(root, 'package.json'))
  const packageFolder = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'))
  const headers = require('node-api-headers').include_dir
  const target = path.join(packageFolder, 'lib/napi-v8/tfjs_binding.node')
  await mkdir(path.dirname(target), { recursive: true })
  const work = await mkdtemp(path.join(os.tmpdir(), 'loss-ledger-'))
  try {
    const flags = [
      '-std=c++17',
      '-O2',
      '-fPIC',
      '-DNAPI_VERSION=8',
      '-I',
      headers,
      '-I',
      path.join(tensorflow, 'include'),
      '-I',
      packageFolder,
    ]
    const own = (await readdir(path.join(root, 'native'))).filter(name => name.endsWith('.cc')).sort()
    // For the loops over the host's vectors: with the bits of JavaScript, which fuses no product with a sum.
    const exact = [...ownFlags, '-ffp-contract=off']
    const sources = [
      ...['tfjs_backend.cc', 'tfjs_binding.cc'].map(name => ({
        folder: path.join(packageFolder, 'binding'),
        name,
      })),
      ...own.map(name => ({ folder: path.join(root, 'native'), name, more: ownFlags })),
    ]
    const compiled = await Promise.all(
      [...sources, { folder: path.join(root, 'native/host'), name: 'loops.cc', more: exact }].map(
        async ({ folder, name, more = [] }) => {
          const object = path.join(work, `${name}.o`)
          await compile(recipe, [...flags, ...more, '-c', path.join(folder, name), '-o', object])
          return object
        },
      ),
    )
    const host = compiled.pop()
    const link = async (output, objects, folders, libraries, opened) => {
      const built = `${output}.new`
      await compile(recipe, recipe.link({ objects, output: built, folders, libraries, opened }))
      return built
    }
    const threads = path.join(work, 'threads.cc.o')
    const loops = path.join(path.dirname(target), 'ledger_host.node')
    const builtLoops = await link(loops, [host, threads], [], [], [])
    const built = await link(target, compiled, searched, recipe.libraries, openedLibraries(cuda))
    await tryOut(builtLoops, 'combine')
    await tryOut(built, 'TF_Version')
    await rename(builtLoops, loops)
    await rename(built, target)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/**
 * The folder into which the wheels are unpacked as Python would have them, shared by every clone of this user: ~850 MB
 * for the CPU, several GB with CUDA. In the clone where the user's home is read-only.
 */
async function fetchTensorFlow(recipe, variant, root, note) {
  const home = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'loss-ledger')
  const name = recipe.wheel
  const own = path.join(root, 'node_modules', '.cache', 'loss-ledger')
  const found = [home, own]
    .map(cache => path.join(cache, `${name}-${version}`))
    .find(folder => existsSync(folder))
  if (found) return found
  const cache = firstWritable(home, own)
  if (cache === undefined) throw new NativeUnavailable(`neither ${home} nor ${own} can be written to`)
  const folder = path.join(cache, `${name}-${version}`)
  const work = await mkdtemp(path.join(cache, 'download-'))
  try {
    const size = variant === 'cuda' ? '600 MB, and 3 GB of CUDA' : `${recipe.megabytes} MB`
    note(`fetching TensorFlow ${version} (${size}, once) into ${cache}`)
    const [wheel] = await download(recipe, work, [`${name}==${version}`])
    const { stdout: metadata } = await python(metadataScript, wheel)
    await python(unpackScript, wheel, work, ...recipe.libraries)
    await rm(wheel)
    if (variant === 'cuda') {
      const requirements = cudaRequirements(metadata)
      if (requirements.length === 0)
        throw new NativeUnavailable(`the wheel of TensorFlow ${version} does not say which CUDA it needs`)
      for (const requirement of requirements) {
        note(`fetching ${requirement.replace(/[<>=!~].*/, '')}`)
        const [library] = await download(recipe, work, [requirement])
        await python(unpackCudaScript, library, work)
        await rm(library)
      }
    }
    // mkdtemp makes folders for this user alone; in an image another user runs what this one installed.
    await chmod(work, 0o755)
    // Whole or not at all; where another set-up was faster, its result is as good.
    await rename(work, folder).catch(error => {
      if (!existsSync(folder)) throw error
    })
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Downloads wheels, without what they need in turn, into a folder; resolves to their paths. */
async function download({ pipPlatforms }, folder, requirements) {
  const before = new Set(await readdir(folder))
  const args = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps']
  args.push('--only-binary=:all:', '--python-version', '3.11', '-d', folder)
  args.push(...pipPlatforms.flatMap(platform => ['--platform', platform]), ...requirements)
  await execute('python3', args, { maxBuffer: 2 ** 24 }).catch(error => {
    throw new NativeUnavailable(
      `pip could not download ${requirements.join(', ')} (${lastLine(error.stderr)})`,
    )
  })
  const found = (await readdir(folder)).filter(name => name.endsWith('.whl') && !before.has(name))
  if (found.length === 0) throw new NativeUnavailable(`pip downloaded nothing for ${requirements.join(', ')}`)
  return found.map(name => path.join(folder, name))
}

const python = (script, ...args) => execute('python3', ['-c', script, ...args], { maxBuffer: 2 ** 24 })

const metadataScript = `
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
name = next(name for name in wheel.namelist() if name.endswith('.dist-info/METADATA'))
sys.stdout.write(wheel.read(name).decode())
`

// Of 13,000 headers the binding needs those of the C API and what these include.
const unpackScript = `
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
headers = tuple('tensorflow/include/' + part for part in ('tensorflow/c/', 'tensorflow/core/platform/', 'tsl/platform/', 'xla/tsl/'))
libraries = tuple('tensorflow/' + name for name in sys.argv[3:])
wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(headers + libraries)])
`

// The libraries, and ptxas with its device code, which compiles what TensorFlow has no kernel for; not the headers.
const unpackCudaScript = `
import os, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
for name in wheel.namelist():
    parts = name.split('/')
    if parts[0] != 'nvidia' or 'include' in parts or name.endswith(('.py', '.a', '/')):
        continue
    target = wheel.extract(name, sys.argv[2])
    if 'bin' in parts:
        os.chmod(target, 0o755)
`

async function filesUnder(site, folder) {
  if (!existsSync(path.join(site, folder))) return []
  const found = await readdir(path.join(site, folder), { recursive: true })
  return found.map(name => path.posix.join(folder, name))
}

async function compile({ compiler }, args) {
  await execute(compiler, args, { maxBuffer: 2 ** 26 }).catch(error => {
    throw new NativeUnavailable(`the binding did not compile (${firstError(error.stderr)})`)
  })
}

/** Loads the library, which must have something of that name, in a process of its own: a wrong one may crash rather than throw. */
async function tryOut(file, name) {
  const loader = `const m = { exports: {} }; process.dlopen(m, process.argv[1]); if (!m.exports[process.argv[2]]) process.exit(1)`
  await execute(process.execPath, ['-e', loader, file, name], { timeout: 60_000 }).catch(error => {
    throw new NativeUnavailable(`the library does not load (${lastLine(error.stderr) || error.message})`)
  })
}

async function need(command, args, reason) {
  await execute(command, args).catch(() => {
    throw new NativeUnavailable(reason)
  })
}

const firstError = text =>
  (
    String(text)
      .split('\n')
      .find(line => line.includes('error')) ?? lastLine(text)
  ).slice(0, 200)

const lastLine = text =>
  String(text ?? '')
    .trim()
    .split('\n')
    .at(-1)
    ?.replaceAll(/https?:\/\/\S+/g, '…')
    .slice(0, 200)
