/** The sums that say whether an experiment's books balance (lca/balance.ts), out of its iterations. */
import { type Books, isAbove, judgeBooks, type Unbalanced } from '../lca/balance.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import type { SplitName } from '../spec/schema.ts'
import { type Block, type Queryable, readBlocks } from './blocks.ts'

/** By split; null where the books of every split balance. */
export type UnbalancedSplits = Partial<Record<SplitName, Unbalanced>> | null

export type Limits = Pick<ResolvedSpec['allocation'], 'maxError' | 'maxSplits'>

/** Books in the making: blocks of iterations are added in order. */
export function makeBooks({ maxError, maxSplits }: Limits) {
  const books: Books = {
    ...{ iterations: 0, above: 0, residual: 0, absoluteResidual: 0 },
    ...{ lossChange: 0, lossTravel: 0 },
  }
  let next: number | undefined
  let first = Number.NaN
  let isWhole = true
  return {
    add({ from, to, rows, columns: { lossBefore, lossAfter, residual, splits } }: Block) {
      if (next === undefined) first = lossBefore[0]
      else if (next !== from) isWhole = false
      next = to
      for (let row = 0; row < rows; row++) {
        const [before, after] = [lossBefore[row], lossAfter[row]]
        const change = after - before
        const size = Math.abs(residual[row])
        if (splits[row] >= maxSplits && isAbove(size, { before, after, maxError })) books.above++
        books.residual += residual[row]
        books.absoluteResidual += size
        books.lossTravel += Math.abs(change)
        // Of the two ends as long as there is no gap between: a loss that went to 10²⁰ and came back leaves nothing but
        // rounding in a sum of its changes.
        books.lossChange = isWhole ? lossAfter[row] - first : books.lossChange + change
      }
      books.iterations += rows
    },
    books,
  }
}

/** What is wrong with the books of each of these splits, over what is allocated of the first `iterations`. */
export async function judgeLedger(
  db: Queryable,
  { id, splits, iterations }: { id: string; splits: SplitName[]; iterations: number },
  limits: Limits,
): Promise<UnbalancedSplits> {
  const found: [SplitName, Unbalanced | null][] = []
  for (const split of splits) {
    const { add, books } = makeBooks(limits)
    for await (const page of readBlocks(db, { id, kind: 'iterations', split }, { from: 0, to: iterations }))
      page.forEach(add)
    found.push([split, judgeBooks(books, limits)])
  }
  return unbalancedOnly(found)
}

/** Those that do not balance. */
export function unbalancedOnly(judged: [SplitName, Unbalanced | null][]): UnbalancedSplits {
  const wrong = judged.filter(([, unbalanced]) => unbalanced !== null)
  return wrong.length === 0 ? null : (Object.fromEntries(wrong) as UnbalancedSplits)
}

/** Columns of experiments (`e`) that unbalancedOf needs, in SQL. Limits only where they are to be judged by: a spec is text. */
export const judgedSql = `
  coalesce(e.summary ? 'unbalanced', false) AS judged, e.summary -> 'unbalanced' AS unbalanced,
  extract(epoch FROM e.updated_at)::float8 AS updated,
  CASE WHEN NOT coalesce(e.summary ? 'unbalanced', false)
       THEN (e.spec #>> '{allocation,maxError}')::float8 END AS "maxError",
  CASE WHEN NOT coalesce(e.summary ? 'unbalanced', false)
       THEN (e.spec #>> '{allocation,maxSplits}')::int END AS "maxSplits"`

export type Judged = { unbalanced: UnbalancedSplits; updated: number } & (
  | { judged: true }
  | ({ judged: false } & Limits)
)

/** Of runs without a word on it in their summary, as they were when they last changed; the oldest are forgotten. */
const known = new Map<string, UnbalancedSplits>()
const mostKnown = 5000

/**
 * What is wrong with the books of these splits: as the summary says, or judged anew where there is none, or one of an
 * earlier version.
 */
export async function unbalancedOf(
  db: Queryable,
  ledger: { id: string; splits: SplitName[]; iterations: number },
  found: Judged,
): Promise<UnbalancedSplits> {
  if (found.judged) return found.unbalanced
  const key = [ledger.id, found.updated, ...ledger.splits].join(' ')
  const before = known.get(key)
  if (before !== undefined) return before
  const judged = await judgeLedger(db, ledger, found)
  known.set(key, judged)
  if (known.size > mostKnown) known.delete(known.keys().next().value!)
  return judged
}

/** What is wrong with each split, in one line. */
export const describeUnbalanced = (unbalanced: NonNullable<UnbalancedSplits>): string =>
  Object.entries(unbalanced)
    .map(([split, { message }]) => `${split}: ${message}`)
    .join('; ')
