/** Several workers on one machine: a process each, the CPU's threads shared out, a CUDA device each where they are named. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { childArguments, childEnvironment } from '../src/children.ts'
import type { Config } from '../src/config.ts'
import type { EngineName } from '../src/engine/description.ts'
import { chooseDevices, cudaDevices, visibleDevices } from '../src/engine/devices.ts'
import type { Log } from '../src/log.ts'

export type Fleet = {
  /** The workers that run at the moment. */
  pids(): number[]
  /** Stops every worker in order; resolves when they have ended. */
  stop(): Promise<void>
}

/** How many workers, and what each computes on. */
export type FleetPlan = { threads: number; device: string | undefined }[]

// A worker on WASM takes some 300 MB; beyond this many somebody should have said so.
const mostUnasked = 8

/**
 * The workers of a machine. `devices`: one worker each, `workers` then being how many share one, named as chooseDevices
 * has it. Where nobody said how many, there is one, but on WASM, which computes on one thread, as many as there are cores
 * (8 at most), so that segments use them all. Threads are LEDGER_THREADS each, or else the machine's, shared out. Throws
 * where a device is not there.
 */
export function planFleet(
  { workers, devices, engine }: { workers?: number; devices?: string[]; engine: EngineName },
  threads: number | undefined,
  cores = os.availableParallelism(),
  visible = () => visibleDevices(cudaDevices(), process.env.CUDA_VISIBLE_DEVICES),
): FleetPlan {
  const each = workers ?? (engine === 'wasm' ? Math.min(cores, mostUnasked) : 1)
  if (each === 0) return []
  const slots: (string | undefined)[] =
    devices === undefined
      ? Array.from({ length: each }, () => undefined)
      : chooseDevices(devices, visible()).flatMap(device => Array.from({ length: each }, () => device))
  const share = threads ?? Math.max(1, Math.floor(cores / slots.length))
  return slots.map(device => ({ threads: share, device }))
}

/** Starts the workers and keeps them running: one that ends by itself comes back, after a longer pause each time. */
export function startFleet(config: Config, databaseUrl: string, plan: FleetPlan, log: Log): Fleet {
  const workers = plan.map((slot, index) => keepWorker(config, databaseUrl, slot, index, log))
  return {
    pids: () => workers.flatMap(worker => worker.pid() ?? []),
    stop: async () => {
      await Promise.all(workers.map(worker => worker.stop()))
    },
  }
}

const longestPause = 30_000

function keepWorker(
  config: Config,
  databaseUrl: string,
  { threads, device }: FleetPlan[number],
  index: number,
  log: Log,
) {
  const entry = fileURLToPath(new URL('./main.js', import.meta.url))
  let stopping = false
  let child: ChildProcess
  let timer: NodeJS.Timeout | undefined
  let pause = 1000
  const start = () => {
    const started = Date.now()
    child = fork(entry, [], {
      // A group of its own: Ctrl-C in the terminal is for this process, which then stops the workers in order.
      detached: true,
      execArgv: childArguments(),
      env: {
        ...childEnvironment(),
        ...(device !== undefined && { CUDA_VISIBLE_DEVICES: device, LEDGER_REQUIRE_GPU: 'yes' }),
        LEDGER_DEVICES: undefined,
        DATABASE_URL: databaseUrl,
        LEDGER_THREADS: String(threads),
        LOG_LEVEL: config.logLevel,
      },
    })
    child.once('exit', (code, signal) => {
      if (stopping) return
      // One that had run for a while is back at once; one that cannot start must not keep the machine busy.
      pause = Date.now() - started > longestPause ? 1000 : Math.min(2 * pause, longestPause)
      log.error({ worker: index, code, signal, pause }, 'a worker ended by itself and is started again')
      timer = setTimeout(start, pause)
    })
  }
  start()
  const runs = () => child.exitCode === null && child.signalCode === null
  return {
    pid: () => (runs() ? child.pid : undefined),
    async stop() {
      stopping = true
      clearTimeout(timer)
      if (!runs()) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
