/** Events as server-sent events have them on the wire. */
import type { Found, FoundWhole } from '../experiments/query.ts'

/** One event. JSON has no line breaks, so its data is one line. */
export const frame = (event: string, id: string, data: unknown): string =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`

/** Told first: how long a client should wait before it comes back. */
export const greeting = 'retry: 2000\n\n'

/** A comment: keeps connections and what lies between from thinking that nobody is there. */
export const heartbeat = Buffer.from(':\n\n')

export function statusFrame(found: Found | FoundWhole, id: string): string {
  const { experiment } = found
  const { status, progress, summary, worker, attempts, error, updatedAt } = experiment
  // In the first event only: what is watched from then on is the experiment, not the line before it.
  const queue = (found as Partial<FoundWhole>).place ?? undefined
  const data = { id: experiment.id, status, queue, progress, summary, worker, attempts, error, updatedAt }
  return frame('status', id, data)
}

export const progressFrame = ({ experiment }: Found, id: string): string =>
  frame('progress', id, experiment.progress)
