/**
 * `npm run gpu:check`: whether a bare machine with a CUDA device computes what a CPU does, how fast, and whether it bears
 * kills: one command, one page of text, one JSON.
 *
 *   npm run gpu:check -- [--out gpu-check.json] [--minutes 8] [--device gpu|cpu]
 *                        [--peer torch_gradient.py --python PYTHON --data DIR]
 *
 * Each check is a process of its own with a time limit, so that one that hangs or crashes costs its own result only; what
 * there is no time left for is said to be not run. `--device cpu` takes the same way without a GPU: it tries the checks
 * themselves out. Exit code 0: every check ran and passed.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import os from 'node:os'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import type { Findings } from '../../src/cli/doctor.ts'
import { optionsOf } from '../options.ts'
import { type EndToEnd, runEndToEnd } from './end-to-end.ts'
import type { DeviceValues } from './values.ts'

const options = optionsOf(import.meta.url, {
  out: 'gpu-check.json',
  minutes: 8,
  device: ['gpu', 'cpu'],
  peer: undefined,
  python: 'python3',
  data: '../shared/datasets',
})
const onGpu = options.device === 'gpu'
const began = performance.now()
const secondsLeft = () => 60 * options.minutes - (performance.now() - began) / 1e3

/** What CUDA shows no device to computes on the CPU, with the same TensorFlow. */
const cpu = { CUDA_VISIBLE_DEVICES: '-1', LEDGER_ENGINE: 'native', LEDGER_REQUIRE_GPU: 'no' }
const device = onGpu ? { LEDGER_ENGINE: 'native', LEDGER_REQUIRE_GPU: 'yes' } : { LEDGER_ENGINE: 'native' }

type Check = { name: string; ok: boolean; seconds: number; lines: string[]; figures?: unknown }
const checks: Check[] = []

/** Runs a check, with the seconds that it may take; what it throws is what is wrong. */
async function check(
  name: string,
  limit: number,
  work: (limit: number) => Promise<Pick<Check, 'lines' | 'figures'> & { ok?: boolean }>,
): Promise<void> {
  const start = performance.now()
  const allowed = Math.floor(Math.min(limit, secondsLeft()))
  let result: Pick<Check, 'ok' | 'lines' | 'figures'>
  if (allowed < 10) result = { ok: false, lines: ['not run: no time left'] }
  else
    try {
      result = { ok: true, ...(await work(1000 * allowed)) }
    } catch (error) {
      result = {
        ok: false,
        lines: String((error as Error).message ?? error)
          .split('\n')
          .slice(0, 12),
      }
    }
  const done = { name, seconds: (performance.now() - start) / 1e3, ...result }
  checks.push(done)
  console.log(`${done.ok ? 'ok  ' : 'FAIL'}  ${name} (${done.seconds.toFixed(0)} s)`)
  for (const line of done.lines) console.log(`        ${line}`)
}

/** What a compiled entry prints. Rejects with the end of what it said where it fails or takes too long. */
function node(entry: string, args: string[], env: NodeJS.ProcessEnv, timeout: number): Promise<string> {
  const path = fileURLToPath(new URL(`../../${entry}`, import.meta.url))
  return new Promise((resolve, reject) => {
    const settings = {
      env: { ...process.env, ...env },
      timeout,
      maxBuffer: 2 ** 30,
      killSignal: 'SIGKILL' as const,
    }
    execFile(process.execPath, ['--enable-source-maps', path, ...args], settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-12).join('\n')
      reject(new Error(error.killed ? `took longer than ${(timeout / 1e3).toFixed(0)} s\n${said}` : said))
    })
  })
}

await check('doctor', 120, async limit => {
  const found = JSON.parse(await node('src/cli/main.js', ['doctor', '--json'], device, limit)) as Findings
  const { engine, cuda, gflops } = found
  return {
    ok: found.ok && engine?.name === 'native' && engine.onGpu === (onGpu || undefined),
    lines: [
      `${engine?.name} ${engine?.version} on ${engine?.device}, matmul ${gflops?.toFixed(0)} GFLOP/s`,
      ...cuda.map(({ index, name, visible }) => `CUDA ${index}: ${name}${visible ? '' : ' (hidden)'}`),
      ...(found.error === null ? [] : [found.error]),
      ...found.missing.map(library => `missing: ${library}`),
    ],
    figures: found,
  }
})

// They compare every operation, network and whole gradient with formulas in float64, on the engine that loads.
const proofs = ['gradients', 'network-gradients', 'conservation', 'same-bits']
for (const name of proofs)
  await check(`test ${name}`, 90, async limit => {
    const said = await node(`test/${name}.test.js`, [], device, limit)
    const [, passed] = /^# pass (\d+)/m.exec(said) ?? []
    return { lines: [`${passed ?? 'no count of'} tests passed`] }
  })

await check('every network against the CPU', 120, async limit => {
  const [here, there] = await Promise.all(
    [device, cpu].map(
      async env => JSON.parse(await node('bench/gpu/values.js', [], env, limit)) as DeviceValues,
    ),
  )
  if (onGpu && !here.onGpu) throw new Error(`this was to compute on a GPU, and did on ${here.device}`)
  const figures = Object.entries(here.networks).map(([name, own]) => {
    const other = there.networks[name]
    const [a, b] = [own, other].map(({ gradient }) => doubles(gradient))
    return { name, loss: Math.abs(own.loss - other.loss), gradient: distance(a, b), seconds: own.seconds }
  })
  return {
    // Float32 with sums in another order; batch norm and ReLU's kink make the most of it.
    ok: figures.every(({ loss, gradient }) => loss < 1e-4 && gradient < 5e-3),
    lines: figures.map(
      ({ name, loss, gradient }) =>
        `${name.padEnd(9)} loss off by ${loss.toExponential(1)}, gradient by ${gradient.toExponential(1)} of its norm`,
    ),
    figures,
  }
})

for (const network of ['fc', 'resnet-8'] as const)
  await check(
    `${network}: training and LCA end to end, two workers on one device, kill and resume`,
    150,
    async () => {
      const found: EndToEnd = await runEndToEnd(network, device, cpu, Math.min(140, secondsLeft() - 5))
      const { worstLoss, worstLca, identical, notes, seconds } = found
      return {
        ok: identical && worstLoss < 2e-3 && worstLca < 2e-2,
        lines: [
          `rows against the CPU's: losses within ${worstLoss.toExponential(1)}, LCA within ${worstLca.toExponential(1)} of its largest`,
          `killed and resumed beside a second worker: ${identical ? 'the same bits' : 'OTHER BITS'}`,
          `${seconds.device.toFixed(1)} s here, ${seconds.cpu.toFixed(1)} s on the CPU`,
          ...notes,
        ],
        figures: found,
      }
    },
  )

await check('bench', 200, async limit => {
  const peer =
    options.peer === undefined
      ? []
      : ['--peer', options.peer, '--python', options.python, '--data', options.data]
  const said = await node(
    'bench/gradient.js',
    ['--engine', 'native', '--arch', 'fc,lenet,resnet20', '--rounds', '3', ...peer],
    device,
    limit,
  )
  const lines = said.trim().split('\n')
  return {
    lines: options.peer === undefined ? [...lines, 'no PyTorch was named: --peer'] : lines,
    figures: lines,
  }
})

const ok = checks.every(one => one.ok)
const report = {
  ok,
  date: new Date().toISOString(),
  node: process.versions.node,
  host: { cpu: os.cpus()[0]?.model, threads: os.availableParallelism(), memoryBytes: os.totalmem() },
  device: options.device,
  seconds: (performance.now() - began) / 1e3,
  checks,
}
await writeFile(options.out, `${JSON.stringify(report, null, 1)}\n`)
const failed = checks.filter(one => !one.ok).map(one => one.name)
console.log(
  `\n${checks.length - failed.length} of ${checks.length} checks passed in ${report.seconds.toFixed(0)} s${failed.length === 0 ? '' : `; failed: ${failed.join('; ')}`}`,
)
if (existsSync(options.out)) console.log(`all figures: ${options.out}`)
process.exitCode = ok ? 0 : 1

function doubles(base64: string): Float64Array {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'))
  return new Float64Array(bytes.buffer, 0, bytes.byteLength / 8)
}

/** ‖a − b‖ / ‖b‖ */
function distance(a: Float64Array, b: Float64Array): number {
  let off = 0
  let norm = 0
  for (let i = 0; i < b.length; i++) {
    off += (a[i] - b[i]) ** 2
    norm += b[i] ** 2
  }
  return Math.sqrt(off / norm)
}
