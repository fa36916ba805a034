/** Training that diverged, or whose loss rose over a span. */

import type { SplitName } from '../../spec/schema.ts'
import { roundingOfLoss } from '../balance.ts'
import { between, inDigits, withSign } from '../words.ts'
import { type Finding, figureOf, type Rule, type Study, spanInWords, splitInWords } from './finding.ts'
import { largestApart } from './trends.ts'

/** Losses of a split at the two ends, and the first iteration that made one that is not finite. */
async function endsOf({ source }: Study, split: SplitName) {
  let initial = Number.NaN
  let final = Number.NaN
  let broken: number | undefined
  for await (const { from, rows, columns } of source(split)('iterations')) {
    for (let row = 0; row < rows; row++) {
      if (from === 0 && row === 0) initial = columns.lossBefore[0]
      final = columns.lossAfter[row]
      if (broken === undefined && !Number.isFinite(final)) broken = from + row
    }
  }
  return { initial, final, broken }
}

const advice =
  'Take a smaller learning rate or a warmup (optimizer.schedule), or less momentum; the curvature table says whether steps overshoot before it.'

export const diverged: Rule = {
  name: 'diverged',
  description:
    'A loss of a split is not finite, or the loss at the end is more than twice what it was at the beginning. Losses are of the whole split, or of its sample, so that their interval is the rounding of float32.',
  table: 'iterations',
  async find(study) {
    const found: Finding[] = []
    const { iterations, splits } = study
    for (const split of splits) {
      const { initial, final, broken } = await endsOf(study, split)
      const name = splitInWords(split, study)
      if (broken !== undefined) {
        found.push({
          ...{ rule: diverged.name, split, layer: null, from: broken, to: broken + 1 },
          statement: `training diverged: the ${name} loss is not a number after iteration ${broken}`,
          figures: [figureOf('loss', Number.NaN, Number.NaN, Number.NaN)],
          ...{ atStake: null, table: diverged.table, advice },
        })
        continue
      }
      const change = final - initial
      const rounding = roundingOfLoss * (Math.abs(final) + Math.abs(initial))
      if (!(change - rounding > Math.abs(initial))) continue
      found.push({
        ...{ rule: diverged.name, split, layer: null, from: 0, to: iterations },
        statement: `training diverged: the ${name} loss went from ${inDigits(initial)} to ${inDigits(final)}`,
        figures: [figureOf('lossChange', change, change - rounding, change + rounding)],
        ...{ atStake: change, table: diverged.table, advice },
      })
    }
    return found
  },
}

export const rising: Rule = {
  name: 'rising',
  description:
    'The LCA of the whole network over a span is above 0 on train: the loss that is trained on rose, by the interval of `hurting`. Of spans that overlap the one with the largest sum is told; none beside `diverged`.',
  table: 'allocations',
  async find(study) {
    if ((await diverged.find(study)).some(({ split }) => split === 'train')) return []
    const up = (await study.trends()).filter(
      ({ split, layer, low }) => split === 'train' && layer === null && low > 0,
    )
    return largestApart(up).map(({ split, from, to, sum, low, high }) => ({
      ...{ rule: rising.name, split, layer: null, from, to },
      statement: `the ${splitInWords(split, study)} loss rose ${spanInWords(from, to, study.iterations)}: by ${withSign(sum)} (${between(low, high)})`,
      figures: [figureOf('lca', sum, low, high)],
      ...{ atStake: sum, table: rising.table, advice },
    }))
  },
}
