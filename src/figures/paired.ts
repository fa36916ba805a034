/** How the differences of a sweep were taken, as every table and figure of them tells. */
import type { SweepSummaryRow } from '../../clients/typescript/src/index.ts'

/** In a few words, of the rows that have a difference: seed by seed, or, where two variants share no seed, Welch’s. */
export function pairedInWords(rows: Pick<SweepSummaryRow, 'pairs'>[]): string {
  const shared = new Set(rows.flatMap(({ pairs }) => (pairs === null ? [] : [pairs > 0])))
  if (!shared.has(false)) return 'paired by seed'
  return shared.has(true)
    ? 'paired by seed, Welch’s where no seed is shared'
    : 'Welch’s, as no seed is shared'
}
