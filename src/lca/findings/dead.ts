/** Dead units: through which nothing is learned any more. */
import { readDead } from '../diagnostics/units.ts'
import { inPercent } from '../words.ts'
import { type Finding, figureOf, level, type Rule, type Study, splitInWords } from './finding.ts'

/** Iterations to the end in which a unit must have been dead: one that is so for fewer may well come back. */
const fewest = 32

export const dead: Rule = {
  name: 'dead',
  description:
    'Units of a layer were dead in each of the last 32 iterations at least: the gradient of all of their incoming weights and their bias was exactly 0 over the whole split. That is counted, not estimated; the span is that in which all of them were. The interval is of the share of examples that reach such a unit, in what the split (or its sample) was drawn from: none of N did, so it is below 1 − (0.05/m)^(1/N) for all m units of the network together. At stake is what living units of the layer lowered the loss by in that span, each on average, as often as there are dead ones. On train, where that is allocated.',
  table: 'units',
  async find(study) {
    const { network, splits, iterations } = study
    const split = splits.includes('train') ? 'train' : splits[0]
    const count = network.units.reduce((sum, { units }) => sum + units, 0)
    const { all, end } = await readDead(study.source(split), study.facts(split, dead.table))
    if (end < iterations) return []
    const { examples } = study.sample(split)
    // P(none of N reaches it) = (1 − p)^N ≤ 0.05/m for every p above this.
    const most = 1 - ((1 - level) / count) ** (1 / examples)
    const found: Finding[] = []
    for (const { layer, offset, units } of network.units) {
      const still = all
        .slice(offset, offset + units)
        .filter(({ last, since }) => last === iterations - 1 && since <= iterations - fewest)
      if (still.length === 0) continue
      const from = Math.max(...still.map(({ since }) => since))
      const [their, them] = still.length === 1 ? ['its', 'it'] : ['their', 'them']
      found.push({
        ...{ rule: dead.name, split, layer, from, to: iterations },
        statement: `${still.length} of ${units} units of ${layer} ${still.length === 1 ? 'is' : 'are'} dead from iteration ${from} on: the gradient of ${their} weights is 0 over ${splitInWords(split, study)}; of other examples fewer than ${inPercent(most)} reach ${them}`,
        figures: [
          figureOf('units', still.length, still.length, still.length),
          figureOf('reached', 0, 0, most),
        ],
        atStake: await lostBy(study, split, {
          layer,
          from,
          dead: still.length,
          living: units - still.length,
        }),
        table: dead.table,
        advice:
          'Take a smaller learning rate or a warmup, less momentum, or an activation that has a slope everywhere (gelu, tanh) in its place; or fewer units: without those the network would be the same.',
      })
    }
    return found
  },
}

/** What so many living units lowered the loss by; 0 where they did not, where there are none, or sums of LCA say nothing. */
async function lostBy(
  { network, source, balanced, iterations }: Study,
  split: Finding['split'],
  { layer, from, dead, living }: { layer: string; from: number; dead: number; living: number },
): Promise<number> {
  if (living === 0 || !balanced.includes(split)) return 0
  const { variables, layers, layerOf } = network
  const l = layers.indexOf(layer)
  let sum = 0
  for await (const block of source(split)('allocations', { from, to: iterations }))
    for (let iteration = block.from, row = 0; iteration < block.to; iteration++)
      for (let v = 0; v < variables.length; v++, row++) if (layerOf[v] === l) sum += block.columns.lca[row]
  return Number.isFinite(sum) ? Math.max(0, (-sum / living) * dead) : 0
}
