/** One iteration that did most of the damage. */
import { fewestChunks } from '../../spec/sample.ts'
import { studentQuantile } from '../../statistics/student.ts'
import { inDigits, inPercent } from '../words.ts'
import { type Finding, figureOf, level, type Rule, splitInWords } from './finding.ts'

/** Iterations that raised the loss below which one of them is most of it by chance, and the share of |LCA| it must be. */
const fewest = 5
const leastShare = 0.01

export const damage: Rule = {
  name: 'damage',
  description:
    'Of all that iterations raised the loss by, a single one did more than half, at least a hundredth of all that the loss moved, where at least 5 iterations raised it. The interval is how far the residuals leave it open; of a sample, with the standard error of that iteration.',
  table: 'iterations',
  async find(study) {
    const found: Finding[] = []
    const { network } = study
    for (const split of study.balanced) {
      const source = study.source(split)
      const worst = { iteration: -1, lca: 0, residual: 0 }
      const sums = { up: 0, travel: 0, residual: 0, raised: 0 }
      for await (const { from, rows, columns } of source('iterations'))
        for (let row = 0; row < rows; row++) {
          const lca = columns.lca[row]
          const residual = Math.abs(columns.residual[row])
          sums.travel += Math.abs(lca)
          if (!(lca > 0)) continue
          sums.up += lca
          sums.residual += residual
          sums.raised++
          if (lca > worst.lca) Object.assign(worst, { iteration: from + row, lca, residual })
        }
      const { iteration, lca, residual } = worst
      if (sums.raised < fewest || !(lca > leastShare * sums.travel) || !Number.isFinite(sums.up)) continue
      const { examples, of } = study.sample(split)
      let error = 0
      if (examples < of)
        for await (const block of source('errors', { from: iteration, to: iteration + 1 }))
          error = block.columns.standardError[network.layers.length]
      const off = residual + error * studentQuantile(level, fewestChunks - 1)
      const others = sums.up - lca
      const othersOff = sums.residual - residual
      const low = Math.max(0, lca - off) / Math.max(Number.MIN_VALUE, lca - off + others + othersOff)
      const high = Math.min(1, (lca + off) / (lca + off + Math.max(0, others - othersOff)))
      if (!(low > 0.5)) continue
      const share = lca / sums.up
      found.push({
        ...{ rule: damage.name, split, layer: null, from: iteration, to: iteration + 1 },
        statement: `iteration ${iteration} raised the ${splitInWords(split, study)} loss by ${inDigits(lca)}, ${inPercent(share)} (${inPercent(low)} to ${inPercent(high)}) of all that ${sums.raised} iterations raised it by`,
        figures: [figureOf('share', share, low, high), figureOf('lca', lca, lca - off, lca + off)],
        atStake: lca,
        table: damage.table,
        advice:
          'Look at this iteration by layer (/allocations) and at its batch; a warmup, a smaller learning rate or smaller momentum makes single steps do less.',
      })
    }
    return found
  },
}
