/** What an experiment would be and cost, before it is posted. */

import { Type } from '../../spec/type.ts'
import { component, ref } from './common.ts'
import { ResolvedSpecSchema } from './experiments.ts'

// A component: inline, @fastify/swagger would take a property called examples for the keyword and leave it out.
export const SampleSize = component(
  'SampleSize',
  Type.Object(
    { examples: Type.Integer(), of: Type.Integer() },
    { description: 'How many examples of a split are allocated, of how many.' },
  ),
)

// A component, as SampleSize is.
export const JudgingCost = component(
  'JudgingCost',
  Type.Object(
    {
      iterations: Type.Integer({ description: 'Steps that are judged.' }),
      examples: Type.Integer({ description: 'Examples that each gradient and pass takes.' }),
      gradients: Type.Integer({ description: 'Over these examples.' }),
      forwardPasses: Type.Integer({ description: 'Over these examples, without a gradient.' }),
    },
    {
      description: 'What judging steps costs.',
    },
  ),
)

export const Preview = component(
  'Preview',
  Type.Object(
    {
      spec: ResolvedSpecSchema,
      layers: Type.Array(
        Type.Object({
          layer: Type.String({ examples: ['fc_1'] }),
          parameters: Type.Integer(),
          optimizer: Type.Unsafe<Record<string, unknown>>({
            type: 'object',
            additionalProperties: true,
            description: 'The optimizer of this layer, after the rules of `layers`.',
          }),
          freeze: Type.Unsafe<{ from: number; until: number | null } | null>({
            type: ['object', 'null'],
            properties: { from: { type: 'integer' }, until: { type: ['integer', 'null'] } },
            required: ['from', 'until'],
            description: 'Frozen in [from, until); until null: to the end.',
          }),
          l2: Type.Number({ description: 'Of its kernels.' }),
        }),
        { description: 'In the order of the network.' },
      ),
      variables: Type.Array(
        Type.Object({
          name: Type.String({ examples: ['fc_1/kernel'] }),
          layer: Type.String({ examples: ['fc_1'] }),
          shape: Type.Array(Type.Integer()),
          offset: Type.Integer(),
          size: Type.Integer(),
        }),
        { description: 'In the order of the columns of the raw tensors.' },
      ),
      parameters: Type.Integer(),
      segments: Type.Integer({ description: 'Jobs that the allocation spreads over the workers.' }),
      gradientPasses: Type.Record(Type.String(), Type.Integer(), {
        description: 'Gradients over the whole split, per split, at the least: refining adds more.',
      }),
      examples: Type.Record(Type.String(), ref(SampleSize), {
        description: 'Of each allocated split: how many of its examples every gradient takes, of how many.',
      }),
      saved: Type.Object(
        { gradients: Type.Number(), flops: Type.Number() },
        {
          description:
            'What allocation.examples spares at the least: gradients of single examples, and floating-point operations. 0 where it is not given.',
        },
      ),
      judging: Type.Object(
        { intervention: ref(JudgingCost), policy: ref(JudgingCost) },
        {
          description:
            'What training takes, at the most, to judge steps before it takes a part of them, and to judge those that it has taken; 0 where it does not.',
        },
      ),
      flops: Type.Object(
        { training: Type.Number(), allocation: Type.Number(), segment: Type.Number() },
        {
          description:
            'Of training, of allocation at the least, and of one segment at the most, where every step is split to the limit.',
        },
      ),
      bytes: Type.Object(
        {
          weights: Type.Number(),
          allocations: Type.Number(),
          neurons: Type.Number(),
          kept: Type.Number(),
          peak: Type.Number(),
        },
        { description: 'In object storage; peak is while it runs, kept is what stays.' },
      ),
      rows: Type.Object({ iterations: Type.Number(), allocations: Type.Number(), total: Type.Number() }),
      diagnostics: Type.Record(
        Type.String(),
        Type.Object({
          gradients: Type.Number({ description: 'Full gradients, over all splits.' }),
          forwardPasses: Type.Number({ description: 'Passes over all examples without a gradient.' }),
          flops: Type.Number({
            description:
              'Floating-point operations of these. Single examples (fisher) take a machine longer than their operations say.',
          }),
          rows: Type.Number({ description: 'Of its tables.' }),
          bytes: Type.Number({ description: 'Of its tables, in the database.' }),
          note: Type.Optional(
            Type.String({
              description: 'What of it there will not be, and what would have to be set for it.',
            }),
          ),
        }),
        { description: 'What each diagnostic that is recorded adds, by name.' },
      ),
    },
    { description: 'What an experiment would be and would cost.' },
  ),
)
