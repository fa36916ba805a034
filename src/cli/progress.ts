/** Waits for an experiment and shows how far it is: bars on a terminal, a line now and then in a pipe. */
import { MultiBar, SingleBar } from 'cli-progress'
import type { Experiment, LedgerClient, Sweep } from '../../clients/typescript/src/index.ts'
import { printableData } from '../printable.ts'
import { duration, short } from './format.ts'
import { withAmends } from './interruption.ts'
import { describePlace } from './place.ts'

const phases = ['training', 'allocating'] as const
type Phase = (typeof phases)[number]

/**
 * Follows an experiment until it has ended, and returns it. With a `hint`, Ctrl-C stops the following only: it prints
 * the hint and exits as interrupted programs do. Without one, what Ctrl-C does is the caller's, who ends the following by
 * the signal: it rejects then.
 */
export async function watch(
  ledger: LedgerClient,
  id: string,
  hint?: string,
  signal?: AbortSignal,
): Promise<Experiment> {
  const show = process.stderr.isTTY ? bars(process.stderr) : lines()
  const lossOf = followLoss(ledger, id)
  const follow = () =>
    ledger
      .wait(id, {
        ...(signal && { signal }),
        onProgress: now => show.update(printableData(now), lossOf(now)),
      })
      .finally(show.stop)
  return hint === undefined ? follow() : withAmends(stopping(show, hint), follow)
}

/** Gives the cursor back, and says what goes on. */
const stopping = (show: { stop(): void } | undefined, hint: string) => () => {
  show?.stop()
  return hint
}

/** Follows a sweep until all of its experiments have ended, and returns it. */
export async function watchSweep(ledger: LedgerClient, id: string): Promise<Sweep> {
  const ended = ({ counts }: Sweep) => counts.succeeded + counts.failed + counts.cancelled
  const bar = process.stderr.isTTY
    ? new SingleBar({
        ...barOptions,
        stream: process.stderr,
        format: 'experiments {bar} {value}/{total}  {now}',
      })
    : undefined
  let last = ''
  const onProgress = (sweep: Sweep) => {
    const busy = (['training', 'allocating', 'failed'] as const).filter(status => sweep.counts[status] > 0)
    const now = busy.map(status => `${sweep.counts[status]} ${status}`).join(', ')
    if (bar) {
      if (last === '') bar.start(sweep.experimentCount, 0, { now })
      bar.update(ended(sweep), { now })
    }
    const line = `${ended(sweep)}/${sweep.experimentCount} experiments have ended`
    if (!bar && line !== last) console.error(line)
    last = line
  }
  const hint = `the sweep goes on; ledger sweep watch ${id} follows it again`
  return withAmends(stopping(bar, hint), () =>
    ledger
      .waitForSweep(id, { interval: 1000, onProgress: sweep => onProgress(printableData(sweep)) })
      .finally(() => bar?.stop()),
  )
}

type Display = { update(experiment: Experiment, loss?: number): void; stop(): void }

const barOptions = {
  barCompleteChar: '█',
  barIncompleteChar: '░',
  barsize: 40,
  hideCursor: true,
  clearOnComplete: false,
}

export function bars(stream: NodeJS.WritableStream): Display {
  // Not {eta}: the library fills that in itself, from the pace at which the bar moves. The API knows better.
  const format = '{phase} {bar} {value}/{total}  {left}'
  const multi = new MultiBar({ ...barOptions, stream, format })
  const all: Partial<Record<Phase, SingleBar>> = {}
  let queued: SingleBar | undefined
  return {
    update({ status, progress, spec, queue }, loss) {
      const total = spec.training.iterations
      if (queue) {
        // A line, whose bar is its place.
        queued ??= multi.create(1, 0, {}, { format: `${'queued'.padEnd(10)} {place}` })
        queued.update(0, { place: describePlace(queue) })
      } else if (queued) {
        multi.remove(queued)
        queued = undefined
      }
      for (const phase of phases) {
        // A phase's bar appears with it, and is full once a later one has begun.
        const reached = phase === 'training' ? status !== 'queued' : !['queued', 'training'].includes(status)
        if (!reached) continue
        all[phase] ??= multi.create(total, 0, { phase: phase.padEnd(10), left: '' })
        if (progress.phase === phase)
          all[phase].update(progress.done, { left: left(progress.etaSeconds, loss) })
        else if (status !== 'failed' && status !== 'cancelled') all[phase].update(total, { left: '' })
      }
    },
    stop: () => multi.stop(),
  }
}

function lines(): Display {
  let last = ''
  return {
    update({ status, progress, queue }, loss) {
      const tenth = progress.total > 0 ? Math.floor((10 * progress.done) / progress.total) : 0
      const line = queue
        ? `${status}: ${describePlace(queue)}`
        : `${status}${progress.total > 0 ? ` ${tenth * 10} %` : ''}`
      if (line !== last) console.error(loss === undefined ? line : `${line}, ${lossInWords(loss)}`)
      last = line
    },
    stop: () => {},
  }
}

const lossInWords = (loss: number) => `loss ${short(loss)}`

const left = (seconds: number | null, loss?: number) =>
  [
    ...(seconds === null ? [] : [`${duration(seconds)} left`]),
    ...(loss === undefined ? [] : [lossInWords(loss)]),
  ].join(', ')

/** A bar of bytes, beside the `name` of what they are of. */
export const bytesBar = (stream: NodeJS.WritableStream) =>
  new SingleBar({ ...barOptions, stream, format: '{bar} {percentage} %  {name}' })

/** Milliseconds between two looks at the loss. */
const lossPace = 3000

/**
 * The loss (of the first split) after the last iteration that is allocated, as of a moment ago: asked for beside the waiting,
 * which it never holds up. Where it cannot be had, there is none to show; what is wrong with the API, the waiting tells.
 */
function followLoss(ledger: LedgerClient, id: string): (now: Experiment) => number | undefined {
  let loss: number | undefined
  let next = 0
  return ({ progress, spec }) => {
    if (progress.phase === 'allocating' && progress.done > 0 && Date.now() >= next) {
      next = Number.POSITIVE_INFINITY
      ledger
        .iterations(id, { split: spec.allocation.splits[0], points: 4 })
        .then(({ length, columns }) => {
          if (length > 0) loss = columns.lossAfter[length - 1]
        })
        .catch(() => {})
        .finally(() => {
          next = Date.now() + lossPace
        })
    }
    return loss
  }
}
