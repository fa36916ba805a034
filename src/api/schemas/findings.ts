/** What can be said of an experiment; src/lca/findings has the rules and why they are these. */

import { rules } from '../../lca/findings/registry.ts'
import { splitNames } from '../../spec/schema.ts'
import { Type } from '../../spec/type.ts'
import { component, exampleId, FiniteOrNull, ref, StringOrNull } from './common.ts'

const Rule = Type.Enum(
  rules.map(({ name }) => name),
  { description: 'Which rule says it; docs/diagnostics.md has them.' },
)
const said = {
  rule: Rule,
  split: Type.Enum([...splitNames], { description: 'Which loss.' }),
  layer: StringOrNull('The layer’s name; null: the whole network.'),
  statement: Type.String({
    description: 'One sentence, with the numbers and their interval.',
    examples: ['fc_2 raised the train loss in iterations 100 to 149: LCA +0.21 (+0.11 to +0.31)'],
  }),
  atStake: FiniteOrNull(
    'Loss that it is about, by which findings are ordered; null where a loss is not finite.',
  ),
}

export const Finding = component(
  'Finding',
  Type.Object(
    {
      ...said,
      from: Type.Integer({ description: 'The first iteration that it is about.' }),
      to: Type.Integer({ description: 'The one behind the last.' }),
      figures: Type.Array(
        Type.Object({
          name: Type.String({ examples: ['lca'] }),
          estimate: FiniteOrNull('What it is.'),
          low: FiniteOrNull('Lower end of its interval.'),
          high: FiniteOrNull('Upper end.'),
          level: Type.Number({ description: 'Of the interval.', examples: [0.95] }),
        }),
        { description: 'The numbers that carry it, the first above all.' },
      ),
      table: Type.String({
        description: 'Where it is from: iterations, allocations, or a diagnostic.',
        examples: ['allocations'],
      }),
      advice: Type.String({ description: 'What one could do about it.' }),
    },
    { description: 'A statement that the numbers of an experiment support.' },
  ),
)

export const FindingList = component(
  'FindingList',
  Type.Object(
    {
      experimentId: Type.String({ examples: [exampleId] }),
      recorded: Type.Boolean({
        description:
          'Whether the experiment was looked at: not before it has succeeded, nor by earlier versions. While false there are no items, and that says nothing of it.',
      }),
      items: Type.Array(ref(Finding), {
        description: 'What matters most first; empty where nothing can be said.',
      }),
    },
    { description: 'What can be said of an experiment.' },
  ),
)

/** In a summary. */
export const FindingsSummary = Type.Object(
  {
    count: Type.Integer({ description: 'How many there are.' }),
    largest: Type.Array(Type.Object(said), { description: 'The three that matter most, or fewer.' }),
  },
  {
    description:
      'What can be said of the experiment: …/findings has all of it. Absent in what earlier versions finished.',
  },
)
