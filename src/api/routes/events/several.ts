/** Several experiments followed on one connection: where each is, now and whenever that changes, until all have ended. */
import type { ServerResponse } from 'node:http'
import type { Watch } from '../../plugins/app/watch.ts'
import { isFinished } from '../../status.ts'
import type { Found } from '../experiments/query.ts'
import { heartbeat, statusFrame } from './frames.ts'

/** Bytes that may wait for a slow listener; one who lags further is cut off, and hears where all are when it comes back. */
const mostWaiting = 2 ** 20
const heartbeatMs = 15_000

/** Writes events until all of them have ended or are gone, or the listener goes. `from` are those that it may see. */
export function followSeveral(watch: Watch, out: ServerResponse, from: Found[]): void {
  const following = new Map<string, () => void>()
  const write = (bytes: string | Buffer) => {
    if (out.writableLength > mostWaiting) out.destroy()
    else if (!out.destroyed) out.write(bytes)
  }
  const leave = (id: string) => {
    following.get(id)?.()
    following.delete(id)
    if (following.size === 0) end()
  }
  const timer = setInterval(() => write(heartbeat), heartbeatMs)
  const end = () => {
    clearInterval(timer)
    for (const stop of following.values()) stop()
    following.clear()
    if (!out.destroyed) out.end()
  }
  out.once('close', end)
  for (const id of new Set(from.map(({ experiment }) => experiment.id))) {
    let told: string | undefined
    // It is told where it is first of all, by the next look at it.
    const stop = watch.follow(id, found => {
      if (found !== undefined && found.etag !== told) write(statusFrame(found, String(found.recorded)))
      told = found?.etag
      if (found === undefined || isFinished(found.experiment.status)) leave(id)
    })
    following.set(id, stop)
  }
  if (out.destroyed || following.size === 0) end()
}
