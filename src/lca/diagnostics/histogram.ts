/** The histogram that `tails` keeps, to look at: signed, in bins that double. */
import type { Diagnostic } from './diagnostic.ts'
import { groupsOf } from './groups.ts'
import { bins, edgesOf } from './magnitudes.ts'
import { magnitudesOf } from './tails.ts'

export const histogram: Diagnostic = {
  name: 'histogram',
  description:
    'How many allocations of single parameters in single iterations are how large: of those that are not 0, in bins that double, those that helped and those that hurt apart. Of what tails records. Of the segments that lie within the span, whole.',
  cost: 'reading',
  madeOf: 'tails',
  tables: [],
  view: {
    kind: 'rows',
    query: { by: ['network', 'layer', 'variable'], layer: true, span: true },
    columns: [
      { name: 'layer', type: 'name', description: 'The layer’s name; null for the whole network.' },
      { name: 'variable', type: 'name', description: 'The variable’s name; null unless by=variable.' },
      { name: 'low', type: 'float64', description: 'The bin: low ≤ |LCA| < high. 0 in the lowest bin.' },
      { name: 'high', type: 'float64', description: 'Twice that, or 2⁻⁴⁶.' },
      { name: 'helped', type: 'float64', description: 'Allocations −high < LCA ≤ −low.' },
      { name: 'hurt', type: 'float64', description: 'Allocations low ≤ LCA < high.' },
      { name: 'absolute', type: 'float64', description: 'Σ |LCA| of both.' },
    ],
    async *rows(source, facts, asked) {
      const groups = groupsOf(facts, asked)
      const found = await magnitudesOf(source, asked, groups)
      for (const [g, { negative, positive, absolute }] of found.entries()) {
        const rows = []
        for (let bin = 0; bin < bins; bin++)
          if (negative[bin] + positive[bin] > 0)
            rows.push({
              ...groups.groups[g],
              ...edgesOf(bin),
              ...{ helped: negative[bin], hurt: positive[bin], absolute: absolute[bin] },
            })
        yield rows
      }
    },
  },
  figures: [],
}
