/** The sums that say whether an experiment's books balance (lca/balance.ts), out of its iterations. */
import { type Books, judgeBooks, roundingOfLoss, type Unbalanced } from '../lca/balance.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import type { SplitName } from '../spec/schema.ts'

/** By split; null where the books of every split balance. */
export type UnbalancedSplits = Partial<Record<SplitName, Unbalanced>> | null

/** As Postgres has them in JSON, where what is not finite is text. */
export type StoredBooks = Partial<Record<SplitName, Record<keyof Books, number | string>>> | null

/**
 * A subquery that is one value, json: {split: Books} over what is allocated of the experiment in the row `e`; null where
 * `condition` does not hold, and then costs nothing. Each sum in one order: the same rows give the same bits. The
 * change of the loss is that of its two ends, as long as there is no gap between: a loss that went to 10²⁰ and came back
 * leaves nothing but rounding in a sum of its changes.
 */
export const booksSql = (condition: string): string => `(
  SELECT json_object_agg(books.split, to_json(books))
    FROM (SELECT i.split, count(*)::int AS iterations,
                 (count(*) FILTER (WHERE i.splits >= limits.splits AND abs(i.residual) > greatest(
                    limits.error, ${roundingOfLoss} * abs(i.loss_before), ${roundingOfLoss} * abs(i.loss_after))))::int AS above,
                 sum(i.residual ORDER BY i.iteration) AS residual,
                 sum(abs(i.residual) ORDER BY i.iteration) AS "absoluteResidual",
                 CASE WHEN count(*) = max(i.iteration) - min(i.iteration) + 1
                      THEN (array_agg(i.loss_after ORDER BY i.iteration DESC))[1] - (array_agg(i.loss_before ORDER BY i.iteration))[1]
                      ELSE sum(i.loss_after - i.loss_before ORDER BY i.iteration) END AS "lossChange",
                 sum(abs(i.loss_after - i.loss_before) ORDER BY i.iteration) AS "lossTravel"
            FROM (SELECT (e.spec #>> '{allocation,maxError}')::float8 AS error,
                         (e.spec #>> '{allocation,maxSplits}')::int AS splits OFFSET 0) limits, iterations i
           WHERE i.experiment_id = e.id AND ${condition}
           GROUP BY i.split) books)`

/** What the books of the splits say. */
export function judgeSplits(
  stored: StoredBooks,
  limits: Pick<ResolvedSpec['allocation'], 'maxError' | 'maxSplits'>,
): UnbalancedSplits {
  const found = Object.entries(stored ?? {}).flatMap(([split, sums]) => {
    const { iterations, above, residual, absoluteResidual, lossChange, lossTravel } = sums
    const books = { iterations, above, residual, absoluteResidual, lossChange, lossTravel }
    const numbers = Object.fromEntries(Object.entries(books).map(([name, value]) => [name, Number(value)]))
    const unbalanced = judgeBooks(numbers as Books, limits)
    return unbalanced === null ? [] : [[split, unbalanced]]
  })
  return found.length === 0 ? null : (Object.fromEntries(found) as UnbalancedSplits)
}

/** What is wrong with each split, in one line. */
export const describeUnbalanced = (unbalanced: NonNullable<UnbalancedSplits>): string =>
  Object.entries(unbalanced)
    .map(([split, { message }]) => `${split}: ${message}`)
    .join('; ')
