/** What training decided by the ledger (lca/policies.ts). */
import { actions, type PolicyRow, rules, policyTypes as types } from '../policies.ts'
import type { Diagnostic, Row } from './diagnostic.ts'
import { sparseRows } from './sparse.ts'

export const policies: Diagnostic = {
  name: 'policies',
  description:
    'What training decided by the LCA of the steps that it had taken, on the judge’s split (training.policy): Σ of the last steps, of a layer, of what momentum did of it, or of the network, with its interval of 95 %, Student’s t over these steps, taken as independent. The same table whichever split is asked for.',
  cost: 'training',
  left: { types, of: ({ policy }) => policy && { every: policy.every } },
  // Nobody knows before.
  tables: [{ kind: 'policies', of: 'segment', expected: ({ layers }) => layers, rowBytes: 54 }],

  view: {
    kind: 'rows',
    query: { layer: true, span: true },
    columns: [
      { name: 'iteration', type: 'int32', description: 'The iteration after whose step it was decided.' },
      { name: 'layer', type: 'name', description: 'The layer that it is of; null for the whole network.' },
      { name: 'rule', type: 'name', description: `Of the policy: ${rules.join(', ')}.` },
      {
        name: 'action',
        type: 'name',
        description:
          'freeze, stop (training ends here), quiet (momentum is lowered), restore (it is not any more).',
      },
      { name: 'steps', type: 'int32', description: 'How many judged steps were summed.' },
      { name: 'sum', type: 'float64', description: 'Σ over them of LCA, or of what momentum did of it.' },
      { name: 'low', type: 'float64', description: 'Its interval, lower end.' },
      { name: 'high', type: 'float64', description: 'Its interval, upper end.' },
      {
        name: 'until',
        type: 'float64',
        description: 'Of freeze: the first iteration that is to train again; null: none.',
      },
      {
        name: 'factor',
        type: 'float64',
        description: 'Of quiet and restore: what momentum is multiplied by.',
      },
    ],
    async *rows(source, { layers }, asked) {
      for await (const batch of sparseRows(source, 'policies', types, asked)) {
        const rows = batch.flatMap(row => policyRow(row, layers, asked.layers))
        if (rows.length > 0) yield rows
      }
    },
  },

  figures: [
    { name: 'frozen', description: 'How often a layer was frozen.' },
    { name: 'quieted', description: 'How often the momentum of a layer was lowered.' },
    { name: 'stopped', description: '1 where training was ended, else 0.' },
  ],
  async summarise(source, facts) {
    const times = actions.map(() => 0)
    for await (const batch of sparseRows(source, 'policies', types, facts))
      for (const { action } of batch) times[action]++
    const of = (action: (typeof actions)[number]) => times[actions.indexOf(action)]
    return { frozen: of('freeze'), quieted: of('quiet'), stopped: of('stop') }
  },
}

/** A decision as it is read; nothing where only other layers are asked for. */
export function policyRow(row: PolicyRow, layers: string[], only?: string[]): Row[] {
  const layer = row.layer < 0 ? null : layers[row.layer]
  if (only !== undefined && (layer === null || !only.includes(layer))) return []
  return [{ ...row, layer, rule: rules[row.rule], action: actions[row.action] }]
}
