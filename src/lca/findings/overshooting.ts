/** Steps that overshoot: most of them end behind the minimum along their own line. */
import { shareOf } from '../../statistics/block-bootstrap.ts'
import { totalsOf } from '../diagnostics/sums.ts'
import { inDigits, inPercent } from '../words.ts'
import { figureOf, level, type Rule, splitInWords } from './finding.ts'

/** Iterations below which nothing is said. */
const fewest = 20

export const overshooting: Rule = {
  name: 'overshooting',
  description:
    'α = −E/F of the whole network is above 0 in more than half of the iterations. The interval is Wilson’s, of so many independent iterations as have the variance that blocks of 2√T iterations show (at most all of them, and as many as there are blocks where all are alike); with Student’s t for z. At stake is Σ E²/(2(E − F)) over these iterations: what each went up again behind the minimum along its line, were the loss a quadratic there.',
  table: 'curvature',
  async find(study) {
    const { splits, iterations } = study
    // Steps are made for the loss on train; where that is not allocated, they can still be too long for the other.
    const split = splits.includes('train') ? 'train' : splits[0]
    if (iterations < fewest) return []
    const over: number[] = []
    let wasted = 0
    const facts = study.facts(split, 'curvature')
    for await (const { first, end } of totalsOf(study.source(split)('curvature'), facts, [
      'first',
      'end',
    ] as const)) {
      if (!Number.isFinite(first) || !Number.isFinite(end) || first === 0) continue
      const isOver = -end / first > 0
      over.push(isOver ? 1 : 0)
      if (isOver && end > first) wasted += end ** 2 / (2 * (end - first))
    }
    if (over.length < fewest) return []
    const { share, low, high } = shareOf(Float64Array.from(over), level)
    if (!(low > 0.5)) return []
    return [
      {
        ...{ rule: overshooting.name, split, layer: null, from: 0, to: iterations },
        statement: `steps overshoot: ${inPercent(share)} of the iterations (${inPercent(low)} to ${inPercent(high)}) end behind the minimum of the ${splitInWords(split, study)} loss along their line, which cost about ${inDigits(wasted)} of loss`,
        figures: [figureOf('share', share, low, high)],
        atStake: wasted,
        table: overshooting.table,
        advice:
          'Steps are longer than this loss wants: try a smaller learning rate or a schedule that lowers it, less momentum, or larger batches.',
      },
    ]
  },
}
