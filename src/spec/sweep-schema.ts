/** A sweep as it is posted: one spec, and what to vary about it. What it expands to is sweep.ts. */

import { closed, Dictionary } from './composites.ts'
import { maxSeed } from './schema.ts'
import { type Static, Type } from './type.ts'

/** The most experiments of one sweep. */
export const mostExperiments = 1000

const Patch = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  additionalProperties: true,
  description:
    'A JSON Merge Patch (RFC 7396) of the base: objects merge, null removes, anything else replaces. Its name, if it has one, is the variant’s.',
})

export const SweepSpec = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Yours.' })),
    base: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: 'An ExperimentSpec; what is varied may be missing in it.',
    }),
    vary: Type.Optional(
      Type.Union(
        [
          Dictionary(500, Type.Array(Type.Unknown(), { minItems: 1, maxItems: mostExperiments }), {
            maxProperties: 20,
            title: 'grid',
            description:
              'JSON paths to lists of values ($.optimizer.learningRate, $.layers, training.seed): every combination, the last path changing fastest.',
          }),
          Type.Array(Patch, {
            minItems: 1,
            maxItems: mostExperiments,
            title: 'list',
            description: 'One patch of the base each.',
          }),
        ],
        {
          default: {},
          description:
            'What changes from variant to variant: a grid of JSON paths to lists of values, or a list of merge patches.',
        },
      ),
    ),
    seeds: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0, maximum: maxSeed }), {
        minItems: 1,
        maxItems: mostExperiments,
        uniqueItems: true,
        description:
          'Every variant is run with each of these as training.seed. (A grid may vary $.training.seed just as well.)',
      }),
    ),
    baseline: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description:
          'The label of the variant that the summary compares the others with; the first if absent.',
      }),
    ),
  },
  { ...closed, $id: 'SweepSpec' },
)
export type SweepSpec = Static<typeof SweepSpec>
