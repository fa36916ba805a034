/**
 * Dead units: those through which nothing can be learned, because the gradient of the mean loss over the whole split with
 * respect to every one of their incoming weights, and their bias, is exactly 0 at θ_t. Of a ReLU: no example of the split
 * activates it (or none that does reaches the loss). That of a minibatch would be 0 for a unit that is only rare.
 *
 * What is kept are spells [from, to) of iterations without a break, so that any span is exact, however the run was cut.
 */
import type { Step } from '../allocate.ts'
import type { Diagnostic, NetworkOf, ReadFacts, Row, Source } from './diagnostic.ts'
import { perSplitOf } from './sums.ts'

/** The variables of a layer by size: a bias, which says of most units that they live, comes first. */
const unitsOf = ({ variables, units }: Pick<NetworkOf, 'variables' | 'units'>) =>
  units.map(layer => ({
    ...layer,
    own: variables.filter(one => one.layer === layer.layer).sort((a, b) => a.size - b.size),
  }))
type LayerOf = ReturnType<typeof unitsOf>[number]

function isDead(gradient: Float64Array, { own, units }: LayerOf, unit: number): boolean {
  for (const { offset, size } of own)
    for (let i = offset + unit; i < offset + size; i += units) if (gradient[i] !== 0) return false
  return true
}

/** Of a unit over the iterations that are looked at. */
type Dead = {
  /** Iterations in which it was; the first and the last of them, −1 where there is none. */
  dead: number
  first: number
  last: number
  /** Where the spell began that the last is of. */
  since: number
  /** Iterations that were looked at before the first. */
  before: number
}

/** Of every unit; and how many iterations were looked at, and the end of the last. */
export async function readDead(
  source: Source,
  { units, from, to }: Pick<ReadFacts, 'units' | 'from' | 'to'>,
) {
  const count = units.reduce((sum, layer) => sum + layer.units, 0)
  const all = Array.from(
    { length: count },
    (): Dead => ({ dead: 0, first: -1, last: -1, since: -1, before: 0 }),
  )
  let iterations = 0
  let end = from
  for await (const block of source('units', { from, to })) {
    const start = Math.max(from, block.from)
    const { columns } = block
    for (let row = 0; row < block.rows; row++) {
      const spell = { from: Math.max(start, columns.from[row]), to: Math.min(to, columns.to[row]) }
      if (spell.to <= spell.from) continue
      const unit = all[columns.unit[row]]
      if (unit.first < 0) {
        unit.first = spell.from
        unit.before = iterations + spell.from - start
      }
      // A spell goes on over the border of two segments.
      if (unit.first === spell.from || unit.last !== spell.from - 1) unit.since = spell.from
      unit.last = spell.to - 1
      unit.dead += spell.to - spell.from
    }
    end = Math.min(to, block.to)
    iterations += end - start
  }
  return { all, iterations, end }
}

/** Whether it lived in an iteration after the first in which it was dead. */
const cameBack = ({ dead, first, before }: Dead, iterations: number) =>
  first >= 0 && iterations - before > dead

export const units: Diagnostic = {
  name: 'units',
  description:
    'Dead units: in how many iterations the gradient g_t of all of a unit’s incoming weights and its bias was exactly 0 over the whole split, the first and the last of them, and whether it came back. What each unit did is at /neurons.',
  cost: 'free',
  tables: [
    {
      kind: 'units',
      of: 'segment',
      // Nobody knows before: as if one in ten were dead.
      expected: ({ units, segments }) => Math.ceil(units / 10) * segments,
      rowBytes: 12,
    },
  ],

  follow({ network, splits, from, to }) {
    const layers = unitsOf(network)
    const count = layers.reduce((sum, layer) => sum + layer.units, 0)
    const found = splits.map(() => ({
      /** Since when each has been dead; −1: it is not. */
      since: new Int32Array(count).fill(-1),
      spells: [] as { unit: number; from: number; to: number }[],
    }))
    return {
      step({ iteration, perSplit }: Step) {
        for (const { split, gradientBefore } of perSplit) {
          const { since, spells } = found[splits.indexOf(split)]
          for (const layer of layers)
            for (let u = 0; u < layer.units; u++) {
              const unit = layer.offset + u
              const dead = isDead(gradientBefore, layer, u)
              if (dead && since[unit] < 0) since[unit] = iteration
              if (dead || since[unit] < 0) continue
              spells.push({ unit, from: since[unit], to: iteration })
              since[unit] = -1
            }
        }
      },
      tables: () => ({
        units: perSplitOf(splits, s => {
          const { since, spells } = found[s]
          const open = [...since.entries()].filter(([, start]) => start >= from)
          const all = [...spells, ...open.map(([unit, start]) => ({ unit, from: start, to }))]
          all.sort((a, b) => a.unit - b.unit || a.from - b.from)
          return {
            unit: Int32Array.from(all, spell => spell.unit),
            from: Int32Array.from(all, spell => spell.from),
            to: Int32Array.from(all, spell => spell.to),
          }
        }),
      }),
    }
  },

  view: {
    kind: 'rows',
    query: { layer: true, span: true },
    columns: [
      { name: 'layer', type: 'name', description: 'The layer’s name.' },
      { name: 'unit', type: 'int32', description: 'The unit, or channel, within its layer.' },
      { name: 'iterations', type: 'int32', description: 'How many iterations were looked at.' },
      { name: 'dead', type: 'int32', description: 'In how many of them it was dead.' },
      { name: 'first', type: 'float64', description: 'The first in which it was; null where there is none.' },
      { name: 'last', type: 'float64', description: 'The last in which it was; null where there is none.' },
      {
        name: 'cameBack',
        type: 'int32',
        description: '1 where it lived in an iteration after the first in which it was dead, else 0.',
      },
    ],
    async *rows(source, facts, { layers: only }) {
      const { all, iterations } = await readDead(source, facts)
      if (iterations === 0) return
      for (const layer of facts.units) {
        if (only !== undefined && !only.includes(layer.layer)) continue
        yield all.slice(layer.offset, layer.offset + layer.units).map(
          (one, unit): Row => ({
            ...{ layer: layer.layer, unit, iterations, dead: one.dead },
            first: one.first < 0 ? null : one.first,
            last: one.last < 0 ? null : one.last,
            cameBack: Number(cameBack(one, iterations)),
          }),
        )
      }
    },
  },

  figures: [
    { name: 'dead', description: 'Fraction of all units that are dead in the last iteration.' },
    { name: 'iterations', description: 'Fraction of iterations in which a unit was dead, mean over units.' },
    {
      name: 'cameBack',
      description: 'Of the units that were dead at any time, the fraction that came back.',
    },
  ],
  async summarise(source, facts) {
    const { all, iterations, end } = await readDead(source, facts)
    const ever = all.filter(({ first }) => first >= 0)
    return {
      dead: iterations === 0 ? Number.NaN : all.filter(({ last }) => last === end - 1).length / all.length,
      iterations: all.reduce((sum, { dead }) => sum + dead, 0) / (all.length * iterations),
      cameBack: ever.filter(one => cameBack(one, iterations)).length / ever.length,
    }
  },
}
