/**
 * Whether the books of a split balance over a whole run, or over as much of it as is allocated.
 *
 * An iteration's residual r_t = (L(θ_{t+1}) − L(θ_t)) − Σ_i LCA_{t,i} is what the quadrature did not find. A run whose
 * steps are so long that no affordable quadrature follows the loss along them has a ledger all the same, of any size and
 * sign. Each of three rules says that it is not to be believed:
 *
 *     maxError   #{t : |r_t| > maxError, at maxSplits} > max(1, T/100) and Σ|r_t| > Σ|ΔL_t| / 100
 *     residuals  Σ|r_t| > Σ|ΔL_t| / 10   and Σ|r_t| > √T · ε
 *     total      |Σ r_t| > |Σ ΔL_t| / 10 and |Σ r_t| > √T · ε,   ΔL_t = L(θ_{t+1}) − L(θ_t)
 *
 * maxError: the spec says what an iteration may be off by, and refining did not get there. A hundredth of the iterations,
 * since single steps across a kink of ReLU stop short of it in sound runs too, and never a single one. And only where the
 * residuals are a hundredth of the way of the loss, which is what shows in the second digit: who asks for a maxError that
 * nothing reaches, to have every step split to the last, gets a ledger that is right. Below 10⁻⁶ of the loss no refining
 * gets, as float32 is; that does not count.
 *
 * residuals: a tenth of all that the loss moved, up and down, is not accounted for. Layers are compared to two digits at
 * best, and a tenth is what the first of them stands for. Against the way of the loss and not its two ends, since in a
 * long run at a plateau the ends are as good as equal while every posting is right.
 *
 * total: the sums over the run, which is what layers are shown as, add up to a change of the loss that is off by more
 * than a tenth, and may have the wrong sign.
 *
 * √T · ε, ε = maxError but within [10⁻⁵, 10⁻³]: residuals of ε each and of no common sign add up to about that. A run
 * whose loss hardly changes, or not at all, is not unbalanced for being off by less: 10⁻³ is what a spec allows where it
 * says nothing, a larger maxError is no excuse for a ledger of the wrong sign, and 10⁻⁵ is near what float32 can tell of
 * a loss.
 */

import { inDigits } from './words.ts'

/** Sums over the iterations of a split. */
export type Books = {
  /** T: those that are allocated. */
  iterations: number
  /** Those whose |residual| is above maxError, and above what float32 can tell, at maxSplits. */
  above: number
  /** Σ r_t, Σ|r_t|, Σ ΔL_t, Σ|ΔL_t|. */
  residual: number
  absoluteResidual: number
  lossChange: number
  lossTravel: number
}

export const balanceRules = ['maxError', 'residuals', 'total'] as const
export type BalanceRule = (typeof balanceRules)[number]

/** What is to be known of books that do not balance: the rules that they break, the sums, and both in words. */
export type Unbalanced = Books & { rules: BalanceRule[]; message: string }

/** The part of the loss below which a residual is rounding: ten or so units in the last place of a float32. */
export const roundingOfLoss = 1e-6

/** Whether a residual is above what the spec allows, and above what float32 can tell of the losses before and after it. */
export const isAbove = (
  residual: number,
  { before, after, maxError }: { before: number; after: number; maxError: number },
): boolean =>
  Math.abs(residual) > Math.max(maxError, roundingOfLoss * Math.abs(before), roundingOfLoss * Math.abs(after))

const share = 0.1
const shareAbove = 0.01
const mostAbove = 0.01
const epsilon = { least: 1e-5, most: 1e-3 }

/** What is wrong with the books; null where they balance. Sums that are not finite do not. */
export function judgeBooks(
  books: Books,
  { maxError, maxSplits }: { maxError: number; maxSplits: number },
): Unbalanced | null {
  const { iterations, above, residual, absoluteResidual, lossChange, lossTravel } = books
  const allowed = Math.sqrt(iterations) * Math.min(epsilon.most, Math.max(epsilon.least, maxError))
  const within = (sum: number, of: number) =>
    Number.isFinite(sum) && Math.abs(sum) <= Math.max(share * Math.abs(of), allowed)
  const broken: Record<BalanceRule, boolean> = {
    maxError: above > Math.max(1, mostAbove * iterations) && !(absoluteResidual <= shareAbove * lossTravel),
    residuals: !within(absoluteResidual, lossTravel),
    total: !within(residual, lossChange),
  }
  const rules = balanceRules.filter(rule => broken[rule])
  if (rules.length === 0) return null
  const lca = lossChange - residual
  const words = [
    ...(broken.maxError
      ? [
          `${above} of ${iterations} iterations are off by more than maxError (${maxError}) at ${maxSplits} splits`,
        ]
      : []),
    `residuals add up to ${inDigits(absoluteResidual)} where the loss moved by ${inDigits(lossTravel)} in all`,
    ...(broken.total
      ? [`LCA adds up to ${inDigits(lca)} where the loss changed by ${inDigits(lossChange)}`]
      : []),
  ]
  return { rules, ...books, message: `the books do not balance: ${words.join('; ')}` }
}
