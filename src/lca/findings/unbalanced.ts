/** A residual that the books do not close: the ledger of the split is not to be believed. */
import { roundingOfLoss } from '../balance.ts'
import { type Finding, figureOf, type Rule } from './finding.ts'

export const unbalanced: Rule = {
  name: 'unbalanced',
  description:
    'The books of a split do not balance, by the rules of `unbalanced` in the summary. The interval is what the rounding of the losses leaves open. Rules about sums of LCA then say nothing of this split.',
  table: 'iterations',
  async find(study) {
    const found: Finding[] = []
    const { iterations } = study
    for (const split of study.splits) {
      const wrong = study.unbalanced(split)
      if (wrong === undefined) continue
      const { message, absoluteResidual } = wrong
      let rounding = 0
      for await (const { rows, columns } of study.source(split)('iterations'))
        for (let row = 0; row < rows; row++)
          rounding +=
            roundingOfLoss * Math.max(Math.abs(columns.lossBefore[row]), Math.abs(columns.lossAfter[row]))
      found.push({
        ...{ rule: unbalanced.name, split, layer: null, from: 0, to: iterations },
        statement: `${split}: ${message}`,
        figures: [
          figureOf(
            'absoluteResidual',
            absoluteResidual,
            Math.max(0, absoluteResidual - rounding),
            absoluteResidual + rounding,
          ),
        ],
        atStake: Number.isFinite(absoluteResidual) ? absoluteResidual : null,
        table: unbalanced.table,
        advice:
          'Raise allocation.maxSplits or take method boole, so that the quadrature follows the loss along each step; or take smaller steps.',
      })
    }
    return found
  },
}
