/** Summaries that earlier versions left in experiments.summary, as this one has them. */
import { judgeSplits, type StoredBooks } from './books.ts'
import type { SplitSummary, Summary } from './summary.ts'

/** A split's part of a summary as earlier versions left it: with fractions of all parameters, under other names. */
type EarlierSplit = Omit<SplitSummary, 'helpFractionOfMoved' | 'helpFractionOfAll'> & {
  helpFraction: number
  hurtFraction: number
}
export type EarlierSummary = Omit<Summary, 'splits' | 'unbalanced'> & {
  splits?: Record<string, EarlierSplit>
}

/** Whether the row `e` of experiments has one, in SQL. */
export const isEarlierSql = `e.status = 'succeeded' AND NOT e.summary ? 'unbalanced'`

/** A stored summary as this version has it; of an earlier one the books, which it does not speak of, are judged anew. */
export function presentSummary(
  stored: Summary | EarlierSummary | null,
  books: StoredBooks,
  limits: Parameters<typeof judgeSplits>[1],
): Summary | null {
  if (stored === null || 'unbalanced' in stored) return stored
  // One that says nothing must not keep a whole list from being read.
  const splits = Object.entries(stored.splits ?? {}).map(
    ([split, { helpFraction, hurtFraction, ...rest }]) => {
      const moved = helpFraction + hurtFraction
      const helpFractionOfMoved = moved > 0 ? helpFraction / moved : null
      return [split, { ...rest, helpFractionOfMoved, helpFractionOfAll: helpFraction }]
    },
  )
  return { ...stored, splits: Object.fromEntries(splits), unbalanced: judgeSplits(books, limits) }
}
