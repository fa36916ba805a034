/**
 * The jobs: one an experiment, which trains, then waits for one job a segment, then finalizes. A job carries ids only:
 * what there is to do, Postgres knows, so that a job handed out twice, late or never changes nothing.
 */
import type { JobsOptions } from 'bullmq'
import { priorityOf } from './turns.ts'

export const queueName = 'experiments'

export type ExperimentJob = { kind: 'experiment'; experimentId: string }
export type SegmentJob = { kind: 'segment'; experimentId: string; index: number }
export type JobData = ExperimentJob | SegmentJob

/**
 * Tries of one job before its experiment fails, and the wait before each: 1 s, 2 s, 4 s, … 64 s, about two minutes in
 * all, for an object store that is away or a disk that is full for a while. Up to half less each, by chance: jobs that
 * failed together need not come back together.
 */
export const attempts = 8
const options: JobsOptions = {
  attempts,
  backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
  // Postgres keeps the outcome; a finished job must not block the same id from being queued again.
  removeOnComplete: true,
  removeOnFail: true,
}

// Deterministic, so that queueing what is queued already does nothing. A colon is the queue's own separator.
export const experimentJobId = (experimentId: string): string => `experiment-${experimentId}`
export const segmentJobId = (experimentId: string, index: number): string =>
  `segment-${experimentId}-${index}`

/** The job of an experiment that is due at a turn, as Queue.add takes it. */
export function experimentJob(experimentId: string, turn: number) {
  const data: JobData = { kind: 'experiment', experimentId }
  const opts = { ...options, jobId: experimentJobId(experimentId), priority: priorityOf(turn) }
  return { name: data.kind, data, opts }
}

/**
 * The job of a segment that is due at a turn, as Queue.addBulk takes it: a child of the experiment's job. When it fails for good the
 * experiment's job goes on at once, finds the experiment failed, and takes the other segments back.
 */
export function segmentJob(experimentId: string, index: number, turn: number, parentQueue: string) {
  const data: JobData = { kind: 'segment', experimentId, index }
  return {
    name: data.kind,
    data,
    opts: {
      ...options,
      jobId: segmentJobId(experimentId, index),
      priority: priorityOf(turn),
      parent: { id: experimentJobId(experimentId), queue: parentQueue },
      continueParentOnFailure: true,
    },
  }
}
