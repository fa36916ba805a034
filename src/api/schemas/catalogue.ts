/** What a spec can choose from, and whether the service is well. */
import { Type } from 'typebox'
import { component, IntegerOrNull } from './common.ts'

export const Architecture = component(
  'Architecture',
  Type.Object(
    {
      name: Type.String({ examples: ['fc'] }),
      description: Type.String(),
      schema: Type.Unsafe<unknown>({
        type: 'object',
        additionalProperties: true,
        description: 'JSON Schema of `architecture` in a spec that names it.',
      }),
    },
    { description: 'A kind of network.' },
  ),
)

export const Dataset = component(
  'Dataset',
  Type.Object(
    {
      name: Type.String({ examples: ['mnist'] }),
      description: Type.String(),
      shape: Type.Array(Type.Integer(), {
        description: 'One example: [height, width, channels], or [features].',
      }),
      classes: Type.Integer(),
      trainFile: IntegerOrNull('Examples to train on that there are; null: generated, as many as asked for.'),
      testFile: IntegerOrNull('Examples to test on that there are; null: generated.'),
      defaults: Type.Object(
        { trainExamples: Type.Integer(), validationExamples: Type.Integer() },
        { description: 'What a spec gets that does not say.' },
      ),
    },
    { description: 'A dataset that a spec can name.' },
  ),
)

export const Health = Type.Object({ status: Type.Enum(['ok']) }, { description: 'The process answers.' })

const Check = Type.Object({
  ok: Type.Boolean(),
  ms: Type.Number({ description: 'Milliseconds that the check took.' }),
})
export const Readiness = component(
  'Readiness',
  Type.Object(
    {
      status: Type.Enum(['ok', 'unavailable']),
      checks: Type.Object({ database: Check, queue: Check, objects: Check }),
    },
    { description: 'Whether each thing that the service needs answers.' },
  ),
)

/** A list that is short enough to be given whole. */
export const List = <T extends Type.TSchema>(items: T, description: string) =>
  Type.Object({ items: Type.Array(items) }, { description })
