/** Server-sent events (WHATWG HTML, 9.2.6) over fetch, which can send a key as a header where EventSource cannot. */

import { bytesOf, type Http, UnreachableError } from './http.ts'
import type { Experiment } from './schemas.ts'
import { isFinished, pause } from './wait.ts'

/** Where an experiment is. */
export type Status = Pick<
  Experiment,
  'id' | 'status' | 'progress' | 'summary' | 'worker' | 'attempts' | 'error'
>
/** What an iteration did to the loss of one split. */
export type IterationEvent = {
  iteration: number
  split: 'train' | 'validation'
  loss: number | null
  lossAfter: number | null
  lca: number | null
  residual: number | null
  splits: number
  helpFractionOfMoved: number | null
  helpFractionOfAll: number | null
}
/** What training decided after an iteration, by its policy. */
export type DecisionEvent = {
  iteration: number
  decisions: {
    layer: string | null
    rule: 'freezeHurting' | 'stopOverfitting' | 'quietMomentum'
    action: 'freeze' | 'stop' | 'quiet' | 'restore'
    steps: number
    sum: number
    low: number
    high: number
    until: number | null
    factor: number | null
  }[]
}
export type LedgerEvent = { id: string } & (
  | { event: 'status'; data: Status }
  | { event: 'progress'; data: Experiment['progress'] }
  | { event: 'iteration'; data: IterationEvent }
  | { event: 'decision'; data: DecisionEvent }
)

export type EventsOptions = {
  /** Go on after this event; '0' is the beginning. Only what happens from now on if absent. */
  lastEventId?: string
  signal?: AbortSignal
  /** Connections that break one after the other, with nothing in between, before it throws; 10 if absent. */
  attempts?: number
}

/**
 * The events of an experiment until it ends. A connection that breaks is made again and goes on after the last event, so
 * that each comes once. Throws what the API says, an API without events included, and where it cannot be reached.
 */
export async function* streamEvents(
  http: Http,
  id: string,
  { lastEventId, signal, attempts = 10 }: EventsOptions = {},
): AsyncGenerator<LedgerEvent> {
  let last = lastEventId
  let ended = false
  let retry = 2000
  for (let failures = 0; !ended; failures++) {
    if (failures > 0) await pause(retry, signal)
    try {
      const headers = { accept: 'text/event-stream', 'last-event-id': last }
      const response = await http.send(`/v1/experiments/${id}/events`, { headers, ...(signal && { signal }) })
      if (response.status === 204) return
      for await (const message of parseEvents(bytesOf(response))) {
        if ('retry' in message) {
          retry = message.retry
          continue
        }
        last = message.id
        failures = 0
        const event = { ...message, data: JSON.parse(message.data) } as LedgerEvent
        ended = event.event === 'status' && isFinished(event.data.status)
        yield event
      }
    } catch (error) {
      signal?.throwIfAborted()
      // A broken body is a TypeError of fetch; anything else is for the caller to hear.
      const broken = error instanceof UnreachableError || error instanceof TypeError
      if (!broken || failures + 1 >= attempts) throw error
    }
    if (failures + 1 >= attempts && !ended)
      throw new Error(`the events of ${id} broke off ${attempts} times in a row`)
  }
}

/**
 * Where several experiments are (100 at most), now and whenever that changes, on one connection, until all have ended. One
 * that breaks is made again, and tells of all of them again. Throws as streamEvents does.
 */
export async function* streamStatuses(
  http: Http,
  ids: string[],
  { signal, attempts = 10 }: Omit<EventsOptions, 'lastEventId'> = {},
): AsyncGenerator<Status> {
  const left = new Set(ids)
  for (let failures = 0; left.size > 0; failures++) {
    if (failures > 0) await pause(2000, signal)
    try {
      const response = await http.send('/v1/experiments/events', {
        query: { id: [...left] },
        headers: { accept: 'text/event-stream' },
        ...(signal && { signal }),
      })
      for await (const message of parseEvents(bytesOf(response))) {
        if ('retry' in message) continue
        failures = 0
        const status = JSON.parse(message.data) as Status
        if (isFinished(status.status)) left.delete(status.id)
        yield status
      }
    } catch (error) {
      signal?.throwIfAborted()
      const broken = error instanceof UnreachableError || error instanceof TypeError
      if (!broken || failures + 1 >= attempts) throw error
    }
    // What it does not tell of is gone.
    if (failures + 1 >= attempts) return
  }
}

type Message = { id: string; event: string; data: string } | { retry: number }

/** Messages of a stream, as the standard parses them; what has no data is dropped. */
export async function* parseEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoder()
  let text = ''
  let id = ''
  let event = 'message'
  let data: string[] = []
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    // A line feed may still follow a carriage return at the end.
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    text = lines.pop()!
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { id, event, data: data.join('\n') }
        event = 'message'
        data = []
        continue
      }
      const colon = line.indexOf(':')
      const field = colon < 0 ? line : line.slice(0, colon)
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'data') data.push(value)
      else if (field === 'event') event = value
      else if (field === 'id') id = value
      else if (field === 'retry' && /^\d+$/.test(value)) yield { retry: Number(value) }
    }
  }
}
