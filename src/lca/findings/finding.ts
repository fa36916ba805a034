/**
 * What a finding is: a statement that the numbers of one experiment support, with the figures that carry it. A file in this
 * folder is a rule; `registry.ts` lists them, and what is read, stored and documented follows from that list.
 *
 * A rule says nothing that its interval does not carry. Where it looks at many layers and spans, its intervals hold for all
 * of them together. Rules are pure functions of the tables (a seed among them), so the same ledger has the same findings,
 * bit for bit.
 */
import type { SplitName } from '../../spec/schema.ts'
import type { NetworkOf, ReadFacts, Source } from '../diagnostics/diagnostic.ts'
import type { Summed, Trends } from './trends.ts'

/** Of every interval. */
export const level = 0.95

export type Figure = {
  name: string
  estimate: number | null
  low: number | null
  high: number | null
  level: number
}

export type Finding = {
  rule: string
  split: SplitName
  /** null: the whole network. */
  layer: string | null
  /** Iterations [from, to). */
  from: number
  to: number
  /** One sentence, with the numbers. */
  statement: string
  figures: Figure[]
  /** Loss units that it is about, by which findings are ordered; null where a loss is not finite. */
  atStake: number | null
  /** Where it is from: `iterations`, `allocations`, or a diagnostic. */
  table: string
  /** What one could do about it. */
  advice: string
}

/** What a rule knows of an experiment. */
export type Study = {
  network: NetworkOf
  splits: SplitName[]
  iterations: number
  /** Splits whose books balance: sums of LCA mean something there only. */
  balanced: SplitName[]
  source(split: SplitName): Source
  /** The whole run of a split, as diagnostics are told of it; `name`: the diagnostic whose options it has. */
  facts(split: SplitName, name?: string): ReadFacts
  /** Whether the diagnostic was recorded. */
  has(name: string): boolean
  /** Sums of LCA over spans that are not 0 by chance, on all splits that balance; made once for all rules. */
  trends(): Promise<Trends>
  /** The same of columns of a table with a row a variable and iteration. */
  trendsOf(summed: Summed): Promise<Trends>
  /** What is wrong with the books of a split; undefined where nothing is. */
  unbalanced(split: SplitName): { message: string; absoluteResidual: number; lossTravel: number } | undefined
  /** Of how many examples of a split the ledger is. */
  sample(split: SplitName): { examples: number; of: number }
}

export type Rule = {
  name: string
  /** When it speaks, what its interval is and what that assumes; for the docs. */
  description: string
  /** What it reads: `iterations`, `allocations`, or the diagnostic that must have been recorded. */
  table: string
  find(study: Study): Promise<Finding[]>
}

/** A figure of which every number that is not finite is null. */
export const figureOf = (name: string, estimate: number, low: number, high: number): Figure => {
  const known = (value: number) => (Number.isFinite(value) ? value : null)
  return { name, estimate: known(estimate), low: known(low), high: known(high), level }
}

/** A split in words; of a sample, how large. */
export function splitInWords(split: SplitName, { sample }: Pick<Study, 'sample'>): string {
  const { examples, of } = sample(split)
  return examples < of ? `${split} (a sample of ${examples} of ${of} examples)` : split
}

/** The iterations of a span in words: the last is one of them. */
export const spanInWords = (from: number, to: number, iterations: number): string =>
  from === 0 && to === iterations
    ? `over all ${iterations} iterations`
    : to === iterations
      ? `from iteration ${from} on`
      : `in iterations ${from} to ${to - 1}`

/** What the layer is called in a sentence. */
export const layerInWords = (layer: string | null): string => layer ?? 'the whole network'
