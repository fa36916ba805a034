/** Books that do not balance, as every command tells of them. */
import type { Experiment } from '../../clients/typescript/src/index.ts'
import { alarm } from './format.ts'

const disbelief = 'LCA and shares of layers are not to be believed'

type Unbalanced = NonNullable<NonNullable<Experiment['summary']>['unbalanced']>

/** Lines in red (where there is colour), one a split; [] where the books balance. */
export const unbalancedLines = (unbalanced: Unbalanced | null | undefined): string[] =>
  Object.entries(unbalanced ?? {}).map(([split, { message }]) => alarm(`${split}: ${message}. ${disbelief}.`))
