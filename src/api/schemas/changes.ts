/** What is asked of experiments that are there, one or many at once: to be extended, edited, cancelled, tagged. */

import { Dictionary, OneOf } from '../../spec/composites.ts'
import { printable } from '../../spec/patterns.ts'
import { type Static, Type } from '../../spec/type.ts'
import { closed, component, exampleId, ref, StringOrNull, uuidPattern } from './common.ts'

/** What `training.iterations` may be when it is raised: there was one iteration at least. */
export const extendedIterations = { minimum: 2, maximum: 10_000_000 }
export const ExtendBody = component(
  'ExtendBody',
  Type.Object(
    {
      iterations: Type.Integer({
        ...extendedIterations,
        description:
          'How many iterations there are to be in all, as in training.iterations: more than there are.',
        examples: [2000],
      }),
    },
    closed,
  ),
)

export const PostHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: printable(255),
      description:
        'Any text of yours, new for every new experiment. Posting the same key and body again, even at the same time, answers with the same experiment, whatever has become of what it names since; the same key with another body is a 409. The order of the rules in `layers`, and of all in `vary`, is part of the body.',
      examples: ['8e03978e-40d5-43dd-bc93-6894a57f9324'],
    }),
  ),
})

const nameOrNull = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  minLength: 1,
  maxLength: 200,
  description: 'null: none.',
})
const tagChanges = Dictionary(100, Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 200 }), {
  maxProperties: 50,
  description: 'Tags to be set; null takes one away. Others stay. An experiment has at most 50.',
})
export const ExperimentEdit = component(
  'ExperimentEdit',
  Type.Object(
    {
      name: Type.Optional(nameOrNull),
      tags: Type.Optional(tagChanges),
      notes: Type.Optional(
        Type.Unsafe<string | null>({
          type: ['string', 'null'],
          maxLength: 10_000,
          description: 'Plain text, which `where` finds as `notes`. null: none.',
        }),
      ),
    },
    {
      ...closed,
      description: 'What is to be different of an experiment (a JSON merge patch, RFC 7396).',
      examples: [{ name: 'the good one', tags: { study: 'freeze', old: null }, notes: 'cited in the paper' }],
    },
  ),
)
export type ExperimentEdit = Static<typeof ExperimentEdit>

export const EditHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      maxLength: 4000,
      description:
        'The ETag of an answer: 412 where name, tags or notes have been changed since. What the work on it changes meanwhile does not count.',
    }),
  ),
})

export const bulkActions = ['cancel', 'retry', 'delete', 'tag'] as const
export const mostAtOnce = 1000
export const BulkRequest = component(
  'BulkRequest',
  Type.Object(
    {
      action: OneOf(bulkActions, { description: 'What is to be done with each.' }),
      ids: Type.Array(Type.String({ pattern: uuidPattern }), {
        minItems: 1,
        maxItems: mostAtOnce,
        description: 'Experiments. One that is named twice is taken once.',
        examples: [[exampleId]],
      }),
      tags: Type.Optional(tagChanges),
    },
    { ...closed, description: 'One thing to be done with several experiments.' },
  ),
)
export type BulkRequest = Static<typeof BulkRequest>

export const BulkOutcome = component(
  'BulkOutcome',
  Type.Object(
    {
      id: Type.String({ examples: [exampleId] }),
      outcome: Type.Enum(
        [
          ...['cancelled', 'cancelling', 'queued', 'allocating', 'deleted', 'tagged'],
          ...['unchanged', 'missing', 'refused', 'failed'],
        ],
        {
          description:
            'cancelled, cancelling (within one gradient pass), queued or allocating (tried again), deleted, tagged; unchanged: it was so already, or has ended, or has not; missing: there is no such experiment; refused: `detail` says why; failed: a fault of the service, try again.',
        },
      ),
      detail: StringOrNull('Why it was refused.'),
    },
    { description: 'What became of one of them.' },
  ),
)
export type BulkOutcome = Static<typeof BulkOutcome>
export const BulkAnswer = Type.Object(
  { items: Type.Array(ref(BulkOutcome), { description: 'One for each id, in their order.' }) },
  { description: 'What became of each.' },
)
