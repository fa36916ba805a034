/**
 * The events of one experiment, made once and written to everybody who listens. Whoever comes from an earlier position
 * catches up at their own pace first, and joins where the broadcast is.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import type { Database } from '../../../store/database.ts'
import type { Watch } from '../../plugins/app/watch.ts'
import { isFinished } from '../../status.ts'
import type { Found } from '../experiments/query.ts'
import { heartbeat, progressFrame, statusFrame } from './frames.ts'
import { comparePositions, formatPosition, type Position } from './position.ts'
import { eventsBetween } from './rows.ts'

/** Bytes that may wait for a slow listener; one who lags further is cut off, and resumes from the last id they saw. */
const mostWaiting = 2 ** 20
const heartbeatMs = 15_000

export type Broadcasts = {
  /** Sends a listener everything from a position on (undefined: from now on), until the experiment ends or they go. */
  join(out: ServerResponse, found: Found, from: Position | undefined): Promise<void>
  listeners(): number
  close(): void
}

type Broadcast = { position: Position; listeners: Set<ServerResponse>; stop(): void }

export function openBroadcasts(db: Database, watch: Watch, onError: (error: unknown) => void): Broadcasts {
  const broadcasts = new Map<string, Broadcast>()
  const timer = setInterval(() => {
    for (const { listeners } of broadcasts.values()) for (const out of listeners) send(out, heartbeat)
  }, heartbeatMs)
  timer.unref()

  const start = (found: Found): Broadcast => {
    const { id } = found.experiment
    const listeners = new Set<ServerResponse>()
    let told = found
    let latest: Found | undefined = found
    let running = false
    const tell = (bytes: string | Buffer) => {
      // Encoded once, not once a listener.
      const buffer = Buffer.from(bytes)
      for (const out of listeners) send(out, buffer)
    }
    const end = () => {
      stop()
      if (broadcasts.get(id) === broadcast) broadcasts.delete(id)
      for (const out of listeners) out.end()
      listeners.clear()
    }
    /** Tells what has changed since it was last told, until nothing has. */
    const catchUp = async () => {
      while (latest !== told) {
        const now: Found | undefined = latest
        if (now === undefined) return end()
        const { status, progress } = now.experiment
        const ended = isFinished(status)
        if (status !== told.experiment.status && !ended)
          tell(statusFrame(now, formatPosition(broadcast.position)))
        for await (const { bytes, position } of eventsBetween(db, id, broadcast.position, {
          sequence: now.recorded,
        })) {
          broadcast.position = position
          tell(bytes)
        }
        const before = told.experiment.progress
        if (progress.done !== before.done || progress.phase !== before.phase)
          tell(progressFrame(now, formatPosition(broadcast.position)))
        told = now
        if (!ended) continue
        tell(statusFrame(now, `${now.recorded}-end`))
        return end()
      }
    }
    const stop = watch.follow(id, now => {
      latest = now
      if (running) return
      running = true
      catchUp()
        .catch(error => {
          // Listeners come back with the last id they saw.
          onError(error)
          end()
        })
        .finally(() => {
          running = false
        })
    })
    const broadcast: Broadcast = { position: { sequence: found.recorded }, listeners, stop }
    broadcasts.set(id, broadcast)
    return broadcast
  }

  return {
    async join(out, found, from) {
      const { id, status } = found.experiment
      // No id lies beyond what is recorded; whatever does is made up.
      let position: Position = { sequence: found.recorded }
      if (from !== undefined && comparePositions(from, position) < 0) position = from
      out.write(statusFrame(found, formatPosition(position)))
      if (isFinished(status)) {
        await replay(db, out, id, position, { sequence: found.recorded })
        if (!out.destroyed) out.end(statusFrame(found, `${found.recorded}-end`))
        return
      }
      // Whoever left before they came here has said so already, and will not again.
      while (!out.destroyed) {
        const broadcast = broadcasts.get(id) ?? start(found)
        const lead = comparePositions(position, broadcast.position)
        if (from === undefined || lead === 0) {
          broadcast.listeners.add(out)
          out.once('close', () => {
            broadcast.listeners.delete(out)
            if (broadcast.listeners.size > 0 || broadcasts.get(id) !== broadcast) return
            broadcast.stop()
            broadcasts.delete(id)
          })
          return
        }
        // Another process had got further than this one, which looks again in a moment.
        if (lead > 0) await setTimeout(100)
        else position = await replay(db, out, id, position, broadcast.position)
      }
    },
    listeners: () => [...broadcasts.values()].reduce((sum, { listeners }) => sum + listeners.size, 0),
    close: () => clearInterval(timer),
  }
}

/** Writes what lies between two positions, no faster than the listener reads. Returns where they are then. */
async function replay(
  db: Database,
  out: ServerResponse,
  id: string,
  from: Position,
  to: Position,
): Promise<Position> {
  for await (const { bytes } of eventsBetween(db, id, from, to)) {
    if (out.destroyed) break
    if (!out.write(bytes)) await Promise.race([once(out, 'drain'), once(out, 'close')]).catch(() => {})
  }
  return to
}

function send(out: ServerResponse, bytes: Buffer): void {
  if (bytes.length === 0) return
  if (out.writableLength > mostWaiting) out.destroy()
  else out.write(bytes)
}
