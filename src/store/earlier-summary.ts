/** Summaries that earlier versions left in experiments.summary, as this one has them. */
import type { UnbalancedSplits } from './books.ts'
import type { SplitSummary, Summary } from './summary.ts'

/** A split's part of a summary as earlier versions left it: with fractions of all parameters, under other names. */
type EarlierSplit = Omit<SplitSummary, 'helpFractionOfMoved' | 'helpFractionOfAll'> & {
  helpFraction: number
  hurtFraction: number
}
export type EarlierSummary = Omit<Summary, 'splits' | 'unbalanced'> & {
  splits?: Record<string, EarlierSplit>
}

export const isEarlier = (stored: Summary | EarlierSummary): stored is EarlierSummary =>
  !('unbalanced' in stored)

/** An earlier summary as this version has it; it does not speak of the books, which are judged anew. */
export function renewSummary(stored: EarlierSummary, unbalanced: UnbalancedSplits): Summary {
  // One that says nothing must not keep a whole list from being read.
  const entries = Object.entries(stored.splits ?? {})
  const splits = entries.map(([split, { helpFraction, hurtFraction, ...rest }]) => {
    const moved = helpFraction + hurtFraction
    const helpFractionOfMoved = moved > 0 ? helpFraction / moved : null
    return [split, { ...rest, helpFractionOfMoved, helpFractionOfAll: helpFraction }]
  })
  return { ...stored, splits: Object.fromEntries(splits), unbalanced }
}
