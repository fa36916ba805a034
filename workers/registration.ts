/** A worker's place on the list of those that live: taken at the start, renewed every few seconds, given back at the end. */
import { randomUUID } from 'node:crypto'
import { hostname, totalmem } from 'node:os'
import { cudaDevices, visibleDevices } from '../src/engine/devices.ts'
import type { Log } from '../src/log.ts'
import type { Database } from '../src/store/database.ts'
import { type Doing, heartbeatEvery, noteWorker, removeWorker } from '../src/store/workers.ts'
import type { EngineDescription, Task } from './protocol.ts'

export type Registration = {
  noteTask(task: Task | undefined): void
  noteSpeed(examplesPerSecond: number): void
  close(): Promise<void>
}

/** Registers; resolves when the worker is on the list. */
export async function register(
  db: Database,
  name: string,
  engine: EngineDescription,
  log: Log,
): Promise<Registration> {
  const devices = engine.onGpu ? visibleDevices(cudaDevices(), process.env.CUDA_VISIBLE_DEVICES) : []
  const card = {
    ...{ id: randomUUID(), name, host: hostname(), pid: process.pid, engine },
    // Of a part of a GPU nvidia-smi's list does not say it.
    memoryBytes: engine.onGpu ? (devices[0]?.memoryBytes ?? 0) : totalmem(),
  }
  let doing: Doing | undefined
  let speed: number | undefined
  let pending: Promise<void> | undefined
  const say = () => {
    pending ??= noteWorker(db, card, doing, speed)
      // A database that is away for a moment; the next beat tells it.
      .catch(error => log.debug({ err: error }, 'the heartbeat could not be written'))
      .finally(() => {
        pending = undefined
      })
  }
  await noteWorker(db, card, doing, speed)
  const timer = setInterval(say, heartbeatEvery)
  return {
    noteTask(task) {
      doing = task && {
        ...{ task: task.kind, experiment: task.experimentId },
        ...(task.kind === 'allocate' && { from: task.from, to: task.to }),
        since: new Date().toISOString(),
      }
    },
    noteSpeed(examplesPerSecond) {
      speed = examplesPerSecond
    },
    async close() {
      clearInterval(timer)
      await pending
      await removeWorker(db, card.id)
    },
  }
}
