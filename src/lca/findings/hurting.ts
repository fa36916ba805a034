/** A layer that hurt over a span: Σ LCA of its parameters is above 0, and not by chance. */
import { between, withSign } from '../words.ts'
import { type Finding, figureOf, type Rule, type Study, spanInWords, splitInWords } from './finding.ts'
import { overfitting } from './overfitting.ts'
import { largestApart, type Trend } from './trends.ts'

export const hurting: Rule = {
  name: 'hurting',
  description:
    'A layer’s LCA over a span of iterations is above 0. The spans are all that consist of whole strata (up to 8 of at least 64 iterations; none below 32 iterations). The interval is of a moving-block bootstrap within the strata, blocks of 2√n iterations, the variance corrected for what blocks cut off and, by the correlation of neighbours, for what they are too short to see; it holds for all layers, the network, all spans and both splits together (the largest deviation of any decides), so that a run in which nothing but noise is has such a finding in less than 5 of 100 cases. Of 250 runs of eight series of noise it spoke, of a rise or a fall, in less than 1 % without memory, in 2.0 % of 200 iterations (3.6 % of 100, 1.6 % of 1000) where each remembers 0.8 of the one before; slower drifts than the correlation of neighbours shows are not accounted for. Of spans that overlap the one with the largest sum is told.',
  table: 'allocations',
  async find(study) {
    const { network, balanced } = study
    const trends = await study.trends()
    // What overfitting says is not said twice.
    const said = (await overfitting.find(study)).map(({ layer, from, to }) => ({ layer, from, to }))
    const isSaid = ({ split, layer, from, to }: Trend) =>
      split === 'validation' && said.some(one => one.layer === layer && one.from < to && from < one.to)
    return balanced.flatMap(split =>
      network.layers.flatMap(layer =>
        largestApart(trends.filter(one => one.split === split && one.layer === layer && one.low > 0))
          .filter(trend => !isSaid(trend))
          .map(trend => findingOf(trend, study)),
      ),
    )
  },
}

function findingOf({ split, layer, from, to, sum, low, high }: Trend, study: Study): Finding {
  const span = spanInWords(from, to, study.iterations)
  return {
    ...{ rule: hurting.name, split, layer, from, to },
    statement: `${layer} raised the ${splitInWords(split, study)} loss ${span}: LCA ${withSign(sum)} (${between(low, high)})`,
    figures: [figureOf('lca', sum, low, high)],
    atStake: sum,
    table: hurting.table,
    advice:
      split === 'train'
        ? 'Freeze the layer over these iterations, or give it a smaller learning rate or less momentum there (layers.NAME of the spec), and compare in a sweep.'
        : 'What the layer learns here does not carry over to other examples: freeze it from there on, or regularise it (l2, dropout, weight decay).',
  }
}
