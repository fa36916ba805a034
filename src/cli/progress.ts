/** Waits for an experiment and shows how far it is: bars on a terminal, a line now and then in a pipe. */
import { setTimeout } from 'node:timers/promises'
import { MultiBar, type SingleBar } from 'cli-progress'
import type { Experiment } from '../api/schemas/experiments.ts'
import { request } from './client.ts'
import { duration } from './format.ts'

const phases = ['training', 'allocating'] as const
type Phase = (typeof phases)[number]
const ended = ['succeeded', 'failed', 'cancelled']

/** Polls until the experiment has ended, and returns it. */
export async function watch(base: string, id: string): Promise<Experiment> {
  const show = process.stderr.isTTY ? bars() : lines()
  for (;;) {
    const experiment = await request<Experiment>(base, `/v1/experiments/${id}`)
    show.update(experiment)
    if (ended.includes(experiment.status)) {
      show.stop()
      return experiment
    }
    await setTimeout(200)
  }
}

type Display = { update(experiment: Experiment): void; stop(): void }

function bars(): Display {
  const multi = new MultiBar({
    format: '{phase} {bar} {value}/{total}  {eta}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 40,
    hideCursor: true,
    clearOnComplete: false,
    stream: process.stderr,
  })
  const all: Partial<Record<Phase, SingleBar>> = {}
  return {
    update({ status, progress, spec }) {
      const total = spec.training.iterations
      for (const phase of phases) {
        // A phase's bar appears with it, and is full once a later one has begun.
        const reached = phase === 'training' ? status !== 'queued' : !['queued', 'training'].includes(status)
        if (!reached) continue
        all[phase] ??= multi.create(total, 0, { phase: phase.padEnd(10), eta: '' })
        if (progress.phase === phase) all[phase].update(progress.done, { eta: eta(progress.etaSeconds) })
        else if (status !== 'failed' && status !== 'cancelled') all[phase].update(total, { eta: '' })
      }
    },
    stop: () => multi.stop(),
  }
}

function lines(): Display {
  let last = ''
  return {
    update({ status, progress }) {
      const tenth = progress.total > 0 ? Math.floor((10 * progress.done) / progress.total) : 0
      const line = `${status}${progress.total > 0 ? ` ${tenth * 10} %` : ''}`
      if (line !== last) console.error(line)
      last = line
    },
    stop: () => {},
  }
}

const eta = (seconds: number | null) => (seconds === null ? '' : `${duration(seconds)} left`)
