/** Where a queued experiment stands in line, in words. */
import type { Experiment } from '../../clients/typescript/src/index.ts'
import { counted, duration, whole } from './format.ts'

/** A place in line, such as 'place 3; 2 experiments with 40 segments before it, about 12 min 0 s'. */
export function describePlace({ position, ahead }: NonNullable<Experiment['queue']>): string {
  const { experiments, segments, seconds } = ahead
  const before =
    experiments === 0
      ? 'nothing before it'
      : `${counted(experiments, 'experiment')} with ${counted(segments, 'segment')} before it`
  return `place ${whole(position)}; ${before}${seconds === null || experiments === 0 ? '' : `, about ${duration(seconds)}`}`
}
