/** A layer, or the network, that overfits from an iteration on: it lowers the train loss and raises the validation loss. */
import { between, withSign } from '../words.ts'
import { figureOf, layerInWords, type Rule, spanInWords, splitInWords } from './finding.ts'

export const overfitting: Rule = {
  name: 'overfitting',
  description:
    'From some iteration to the end a layer’s LCA (or the network’s) is below 0 on train and above 0 on validation, each by the interval of `hurting`, which holds for all layers, spans and both splits together. Of the beginnings (borders of strata) for which that is so, the one with the largest validation sum is told.',
  table: 'allocations',
  async find(study) {
    const { network, iterations } = study
    const toTheEnd = (await study.trends()).filter(({ to }) => to === iterations)
    return [...network.layers, null].flatMap(layer => {
      const pairs = toTheEnd.flatMap(validation => {
        if (validation.split !== 'validation' || validation.layer !== layer || !(validation.low > 0))
          return []
        const train = toTheEnd.find(
          one => one.split === 'train' && one.layer === layer && one.from === validation.from && one.high < 0,
        )
        return train === undefined ? [] : [{ train, validation }]
      })
      const best = pairs.sort((a, b) => b.validation.sum - a.validation.sum)[0]
      if (best === undefined) return []
      const { train, validation } = best
      const { from, to } = validation
      return [
        {
          ...{ rule: overfitting.name, split: 'validation' as const, layer, from, to },
          statement: `${layerInWords(layer)} overfits ${spanInWords(from, to, iterations)}: LCA ${withSign(train.sum)} on ${splitInWords('train', study)} (${between(train.low, train.high)}), ${withSign(validation.sum)} on ${splitInWords('validation', study)} (${between(validation.low, validation.high)})`,
          figures: [
            figureOf('validation.lca', validation.sum, validation.low, validation.high),
            figureOf('train.lca', train.sum, train.low, train.high),
          ],
          atStake: validation.sum,
          table: overfitting.table,
          advice:
            layer === null
              ? `Stop at iteration ${from}, or regularise (l2, dropout, weight decay), or train on more examples.`
              : `Freeze it from iteration ${from} on (layers.NAME.freeze), or regularise it (l2, dropout, weight decay), and compare in a sweep.`,
        },
      ]
    })
  },
}
