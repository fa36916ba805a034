/** What can be said of an experiment, as commands tell of it. */
import { fold } from './format.ts'

type Summary = { count: number; largest: { statement: string }[] }

const plural = (count: number) => `${count} finding${count === 1 ? '' : 's'}`

/** The count and the largest, a line each; [] where it is not known what can be said. */
export function findingLines(findings: Summary | undefined): string[] {
  if (findings === undefined) return []
  const { count, largest } = findings
  if (count === 0) return ['no findings: nothing that the intervals would carry']
  const more = count > largest.length ? `; the largest ${largest.length}` : ''
  return [`${plural(count)}${more}:`, ...largest.flatMap(({ statement }) => fold(statement, 2, '- '))]
}
