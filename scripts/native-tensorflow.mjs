/**
 * Native TensorFlow for @tensorflow/tfjs-node-gpu: the libraries of the Python wheel, and the binding compiled on them.
 *
 * The npm package's own install script fetches a TensorFlow of 2022 from one vendor's host. The wheel, which pip gets
 * from wherever this machine gets its wheels, carries the same C API in a current version; the binding's C++ source
 * comes in the npm package, and Node's C API headers in node-api-headers, so no Node headers and no node-gyp are needed.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const version = '2.21.0'

/** Why this machine cannot have the native engine, in half a sentence. Anything else that is thrown is a bug. */
export class NativeUnavailable extends Error {}

/** Downloads (once a machine, into the user's cache), compiles, and tries the result. `note` gets lines for the user. */
export async function buildNative(root, note) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new NativeUnavailable(
      `there is a recipe for Linux on x64, and this is ${process.platform} on ${process.arch}`,
    )
  if (!process.report.getReport().header.glibcVersionRuntime)
    throw new NativeUnavailable('it needs glibc, and this Linux has another C library')
  await need('g++', ['--version'], 'g++ is missing (Debian: apt-get install g++)')
  await need(
    'python3',
    ['-m', 'pip', '--version'],
    'python3 with pip is missing (Debian: apt-get install python3-pip)',
  )

  const tensorflow = await fetchTensorFlow(note)
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
    await Promise.all(
      ['tfjs_backend', 'tfjs_binding'].map(name =>
        compile([
          ...flags,
          '-c',
          path.join(packageFolder, 'binding', `${name}.cc`),
          '-o',
          path.join(work, `${name}.o`),
        ]),
      ),
    )
    const built = `${target}.new`
    await compile([
      '-shared',
      path.join(work, 'tfjs_backend.o'),
      path.join(work, 'tfjs_binding.o'),
      '-o',
      built,
      '-L',
      tensorflow,
      '-l:libtensorflow_cc.so.2',
      '-l:libtensorflow_framework.so.2',
      `-Wl,-rpath,${tensorflow}`,
    ])
    await tryOut(built)
    await rename(built, target)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The folder with the wheel's libraries and headers: ~850 MB, shared by every clone of this user. */
async function fetchTensorFlow(note) {
  const cache = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'loss-ledger')
  const folder = path.join(cache, `tensorflow-cpu-${version}`)
  if (existsSync(folder)) return path.join(folder, 'tensorflow')
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(path.join(cache, 'download-'))
  try {
    note(`fetching TensorFlow ${version} (270 MB, once) into ${cache}`)
    const download = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary=:all:',
      '--python-version',
      '3.11',
      '--platform',
      'manylinux_2_27_x86_64',
      '-d',
      work,
      `tensorflow-cpu==${version}`,
    ]
    await execute('python3', download, { maxBuffer: 2 ** 24 }).catch(error => {
      throw new NativeUnavailable(
        `pip could not download tensorflow-cpu ${version} (${lastLine(error.stderr)})`,
      )
    })
    const wheel = (await readdir(work)).find(name => name.endsWith('.whl'))
    await execute('python3', ['-c', unpackScript, path.join(work, wheel), work])
    await rm(path.join(work, wheel))
    // Whole or not at all; where another set-up was faster, its result is as good.
    await rename(work, folder).catch(error => {
      if (!existsSync(folder)) throw error
    })
    return path.join(folder, 'tensorflow')
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

// Of 13,000 headers the binding needs those of the C API and what these include.
const unpackScript = `
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
headers = tuple('tensorflow/include/' + part for part in ('tensorflow/c/', 'tensorflow/core/platform/', 'tsl/platform/', 'xla/tsl/'))
libraries = ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2')
wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(headers + libraries)])
`

async function compile(args) {
  await execute('g++', args, { maxBuffer: 2 ** 26 }).catch(error => {
    throw new NativeUnavailable(`the binding did not compile (${firstError(error.stderr)})`)
  })
}

/** Loads the library in a process of its own: a wrong one may crash rather than throw. */
async function tryOut(file) {
  const loader = `const m = { exports: {} }; process.dlopen(m, process.argv[1]); if (!m.exports.TF_Version) process.exit(1)`
  await execute(process.execPath, ['-e', loader, file], { timeout: 60_000 }).catch(error => {
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
