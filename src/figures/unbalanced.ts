/** Books that do not balance, as every figure tells of them. */
import type { Experiment } from '../../clients/typescript/src/index.ts'
import { short, signed } from './numbers.ts'

type Unbalanced = NonNullable<NonNullable<Experiment['summary']>['unbalanced']>

/** In one line that is short enough for a figure; undefined where the books balance. */
export function unbalancedLine(unbalanced: Unbalanced | null): string | undefined {
  const entries = Object.entries(unbalanced ?? {})
  if (entries.length === 0) return undefined
  const splits = entries.map(
    ([split, { absoluteResidual, lossChange }]) =>
      `${split}: residuals ${short(absoluteResidual, 2)}, loss ${signed(lossChange ?? Number.NaN, 2)}`,
  )
  return `Not to be believed, the books do not balance: ${splits.join('; ')}`
}
