/** What the statuses of an experiment mean. */
import type { Experiment } from './schemas/experiments.ts'

/** Whether nothing more happens to it unless somebody asks. */
export const isFinished = (status: Experiment['status']): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'cancelled'
