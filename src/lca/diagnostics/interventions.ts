/** What training took of the steps that it judged (lca/interventions.ts), and what came of it. */
import { type InterventionRow, interventionTypes as types } from '../interventions.ts'
import type { Diagnostic, Row } from './diagnostic.ts'
import { sparseRows } from './sparse.ts'

const share = (part: number, whole: number) => (whole === 0 ? Number.NaN : part / whole)

export const interventions: Diagnostic = {
  name: 'interventions',
  description:
    'What was taken of the steps that training judged, by the judge’s loss L: f∘Δ of the proposed step Δ, f a factor for each parameter (training.intervention). Predicted is Σ f·LCA, the change that additivity promises; change is L(θ_t + f∘Δ) − L(θ_t), and interaction what lies between: what those that move owe to those that do not. Of the network, and of each layer what can be said of it. The same table whichever split is asked for.',
  cost: 'training',
  left: {
    types,
    of: ({ intervention }) => intervention && { every: intervention.every },
  },
  tables: [
    {
      kind: 'interventions',
      of: 'segment',
      expected: ({ judged, layers }) => judged * (layers + 1),
      rowBytes: 62,
    },
  ],

  view: {
    kind: 'rows',
    query: { layer: true, span: true },
    columns: [
      { name: 'iteration', type: 'int32', description: 'The iteration.' },
      { name: 'layer', type: 'name', description: 'The layer’s name; null for the whole network.' },
      { name: 'parameters', type: 'int32', description: 'How many parameters it has.' },
      { name: 'moved', type: 'int32', description: 'How many the proposed step moves.' },
      {
        name: 'helped',
        type: 'int32',
        description: 'Parameters whose LCA, or that of their unit or layer, is below 0 in the proposed step.',
      },
      { name: 'hurt', type: 'int32', description: 'Those of which it is above 0.' },
      { name: 'chosen', type: 'int32', description: 'Parameters of which something is taken: f > 0.' },
      {
        name: 'factor',
        type: 'float64',
        description: '‖f∘Δ‖ / ‖Δ‖: how long what is taken is; null where nothing moves.',
      },
      { name: 'whole', type: 'float64', description: 'Σ LCA of the whole proposed step.' },
      { name: 'predicted', type: 'float64', description: 'Σ f·LCA: of what is taken.' },
      { name: 'before', type: 'float64', description: 'L(θ_t) of the judge; null for a layer.' },
      { name: 'after', type: 'float64', description: 'L(θ_{t+1}) of the judge; null for a layer.' },
      { name: 'change', type: 'float64', description: 'after − before; null for a layer.' },
      { name: 'interaction', type: 'float64', description: 'change − predicted; null for a layer.' },
    ],
    async *rows(source, { layers }, asked) {
      for await (const batch of sparseRows(source, 'interventions', types, asked)) {
        const rows = batch.flatMap((row: InterventionRow): Row[] => {
          const layer = row.layer < 0 ? null : layers[row.layer]
          if (asked.layers !== undefined && (layer === null || !asked.layers.includes(layer))) return []
          const change = row.after - row.before
          return [{ ...row, layer, change, interaction: change - row.predicted }]
        })
        if (rows.length > 0) yield rows
      }
    },
  },

  figures: [
    { name: 'chosen', description: 'Parameters that were chosen, of those that steps would have moved.' },
    { name: 'predicted', description: 'Σ over iterations of what additivity promised.' },
    { name: 'change', description: 'Σ over iterations of what the judge’s loss changed by.' },
    { name: 'kept', description: 'Σ change / Σ predicted: 1 where what is taken does what LCA says.' },
    { name: 'worse', description: 'Fraction of iterations in which the judge’s loss rose.' },
  ],
  async summarise(source, facts) {
    let [times, chosen, moved, predicted, change, worse] = [0, 0, 0, 0, 0, 0]
    for await (const batch of sparseRows(source, 'interventions', types, facts))
      for (const row of batch) {
        if (row.layer >= 0) continue
        times++
        chosen += row.chosen
        moved += row.moved
        predicted += row.predicted
        change += row.after - row.before
        if (row.after > row.before) worse++
      }
    return {
      ...{ chosen: share(chosen, moved), kept: share(change, predicted), worse: share(worse, times) },
      ...(times > 0 ? { predicted, change } : { predicted: Number.NaN, change: Number.NaN }),
    }
  },
}
