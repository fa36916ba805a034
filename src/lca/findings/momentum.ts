/** Momentum that pays for the hurting: what earlier gradients still push takes back what the batches' gradients win. */
import { checkRows } from '../diagnostics/sums.ts'
import { besideIn, between, inDigits, withSign } from '../words.ts'
import { type Finding, figureOf, type Rule, type Study, spanInWords, splitInWords } from './finding.ts'
import { largestApart, type Trend } from './trends.ts'

/** Σ |rest| / Σ |LCA| above which the parts do not say where the step came from. */
const mostRest = 0.01

export const momentum: Rule = {
  name: 'momentum',
  description:
    'Over a span of iterations the part of LCA that momentum did is above 0, of the network or a layer, and that of the batches’ gradients below 0, each by the interval of `hurting`, which here holds for both parts, all layers, the network and all spans together. The ratio is the one over the other, above 1 where momentum took back more than they won; its interval follows from both. Of spans that overlap the one with the largest sum of momentum is told, a layer’s only where the network’s is not. On train, where that is allocated. Nothing is said where the parts leave more than a hundredth of Σ |LCA| to rounding.',
  table: 'components',
  async find(study) {
    const split = study.splits.includes('train') ? 'train' : study.splits[0]
    if (!study.balanced.includes(split) || !(await isExplained(study, split))) return []
    const trends = await study.trendsOf({ split, table: momentum.table, columns: ['gradient', 'momentum'] })
    const paysIn = (layer: string | null) =>
      largestApart(
        trends.filter(
          one => one.column === 'momentum' && one.layer === layer && one.low > 0 && earns(trends, one),
        ),
      )
    const ofNetwork = paysIn(null)
    const ofLayers = study.network.layers
      .flatMap(paysIn)
      .filter(one => !ofNetwork.some(whole => whole.from < one.to && one.from < whole.to))
    return [...ofNetwork, ...ofLayers].map(one => findingOf(one, earns(trends, one)!, study))
  },
}

/** What the batches' gradients did there, if that lowered the loss. */
const earns = (trends: Trend[], { layer, from, to }: Trend) =>
  trends.find(
    one =>
      one.column === 'gradient' && one.layer === layer && one.from === from && one.to === to && one.high < 0,
  )

async function isExplained({ source, network }: Study, split: Trend['split']): Promise<boolean> {
  let [rest, moved] = [0, 0]
  for await (const block of source(split)(momentum.table)) {
    checkRows(block, network.variables.length)
    for (let row = 0; row < block.rows; row++) {
      rest += Math.abs(block.columns.rest[row])
      moved += Math.abs(block.columns.lca[row])
    }
  }
  return rest <= mostRest * moved
}

function findingOf(paid: Trend, earned: Trend, study: Study): Finding {
  const { split, layer, from, to, sum, low, high } = paid
  const ratio = sum / -earned.sum
  const [least, most] = [low / -earned.low, high / -earned.high]
  const where = layer === null ? '' : ` in ${layer}`
  return {
    ...{ rule: momentum.name, split, layer, from, to },
    statement: `momentum${where} raised the ${splitInWords(split, study)} loss ${spanInWords(from, to, study.iterations)} by ${inDigits(sum)} (${between(low, high)}), ${besideIn(ratio, least, most)} what the batches’ gradients lowered it by (${withSign(earned.sum)})`,
    figures: [
      figureOf('momentum', sum, low, high),
      figureOf('gradient', earned.sum, earned.low, earned.high),
      figureOf('ratio', ratio, least, most),
    ],
    atStake: sum,
    table: momentum.table,
    advice:
      'Earlier gradients still push where the loss now rises: try less momentum, or a smaller learning rate with the same, or a schedule that lowers it, and compare in a sweep. A run that wastes so may still end lowest: it is the longer way, not always the worse one.',
  }
}
