/** Threads that resolve what would keep the event loop: how many at once, for whom, and for how long. */
import { availableParallelism } from 'node:os'
import { MessageChannel } from 'node:worker_threads'
import PQueue from 'p-queue'
import { Piscina } from 'piscina'
import { SpecError } from '../../spec/errors.ts'
import { ProblemError } from '../problem.ts'
import type { ThreadResult, ThreadTask } from './thread.ts'
import type { Outcome, Question, Work, World } from './work.ts'

/** Bodies of one tenant that are resolved or wait for it; and of all that wait. */
const mostOfTenant = 4
const mostWaiting = 64
/** Milliseconds for one body. The largest that is right takes a few seconds. */
const longest = 30_000
/** MiB of a thread's heap: the specs of a sweep have 64 MiB as text. */
const heap = 1024

export type SpecPool = {
  /** Resolves a body's text in a thread, until the signal aborts. Throws what resolveBody and parseJson throw. */
  resolve(
    text: string,
    work: Work,
    tenant: string,
    signal: AbortSignal,
    ask: (question: Question) => Promise<World | undefined>,
  ): Promise<Outcome | undefined>
  close(): Promise<void>
}

/** A pool that starts its threads when there is work. `factsModule` exports the `facts` that know the networks. */
export function openSpecPool(factsModule: string): SpecPool {
  // One core is the event loop's; a thread that is full of work beside it is enough on small machines.
  const maxThreads = Math.min(4, Math.max(1, availableParallelism() - 1))
  // What waits does not wait with Piscina: when a thread is ended with its task, nothing there starts another for the rest.
  const waiting = new PQueue({ concurrency: maxThreads })
  const pool = new Piscina<ThreadTask, ThreadResult>({
    filename: new URL('./thread.js', import.meta.url).href,
    minThreads: 0,
    maxThreads,
    idleTimeout: 60_000,
    // A thread waits for an answer while it works: its own event loop must run.
    atomics: 'disabled',
    resourceLimits: { maxOldGenerationSizeMb: heap },
  })
  const busy = new Map<string, number>()
  const count = (tenant: string, n: number) => {
    const now = (busy.get(tenant) ?? 0) + n
    if (now > 0) busy.set(tenant, now)
    else busy.delete(tenant)
  }
  return {
    async resolve(text, work, tenant, signal, ask) {
      if ((busy.get(tenant) ?? 0) >= mostOfTenant)
        throw new ProblemError(
          'too-many-requests',
          `at most ${mostOfTenant} sweeps and large specs may be checked at once; wait for one`,
          { headers: { 'retry-after': '1' } },
        )
      if (waiting.size >= mostWaiting)
        throw new ProblemError('unavailable', 'too many specs are being checked; try again', {
          headers: { 'retry-after': '2' },
        })
      const { port1, port2 } = new MessageChannel()
      const late = new AbortController()
      let timer: NodeJS.Timeout | undefined
      let failed: unknown
      // Asked when a thread has taken it up: what it waited before does not count.
      port1.on('message', (question: Question) => {
        timer = setTimeout(() => late.abort(), longest)
        ask(question).then(
          world => port1.postMessage(world),
          error => {
            failed = error
            port1.postMessage(undefined)
          },
        )
      })
      count(tenant, 1)
      try {
        const result = await waiting.add(
          () =>
            pool.run(
              { text, work, factsModule, port: port2 },
              { signal: AbortSignal.any([signal, late.signal]), transferList: [port2] },
            ),
          { signal },
        )
        if (failed !== undefined) throw failed
        if ('outcome' in result) return result.outcome
        const { kind, message, errors } = result.refused
        throw kind === 'spec' ? new SpecError(errors ?? []) : new ProblemError(kind, message, { errors })
      } catch (error) {
        if (signal.aborted) throw new ProblemError('malformed-request', 'the client has gone')
        if (late.signal.aborted) throw tooMuch(`takes longer than ${longest / 1000} s to check`)
        const { code } = error as { code?: string }
        if (code === 'ERR_WORKER_OUT_OF_MEMORY') throw tooMuch(`takes more than ${heap} MiB to check`)
        throw error
      } finally {
        clearTimeout(timer)
        count(tenant, -1)
        port1.close()
      }
    },
    close: () => pool.destroy(),
  }
}

const tooMuch = (what: string) =>
  new SpecError([{ path: '$', message: `${what}: post fewer or smaller experiments at once` }])
