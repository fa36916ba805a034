/** Books that do not balance, as every command tells of them. */
import type { Experiment } from '../../clients/typescript/src/index.ts'
import { alarm, short, signed } from './format.ts'

const disbelief = 'LCA and shares of layers are not to be believed'

type Unbalanced = NonNullable<NonNullable<Experiment['summary']>['unbalanced']>

/** Lines in red (where there is colour), one a split; [] where the books balance. */
export const unbalancedLines = (unbalanced: Unbalanced | null | undefined): string[] =>
  Object.entries(unbalanced ?? {}).map(([split, { message }]) => alarm(`${split}: ${message}. ${disbelief}.`))

/** The same in one line that is short enough for a figure; undefined where the books balance. */
export function unbalancedLine(unbalanced: Unbalanced | null): string | undefined {
  const entries = Object.entries(unbalanced ?? {})
  if (entries.length === 0) return undefined
  const splits = entries.map(
    ([split, { absoluteResidual, lossChange }]) =>
      `${split}: residuals ${short(absoluteResidual, 2)}, loss ${signed(lossChange ?? Number.NaN, 2)}`,
  )
  return `Not to be believed, the books do not balance: ${splits.join('; ')}`
}
