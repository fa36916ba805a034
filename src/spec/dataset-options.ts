/** The options of generated datasets as schemas of the spec. */

import { OneOf } from './composites.ts'
import { copyTasks, type OptionName, operations } from './datasets.ts'
import { type TSchema, Type } from './type.ts'

/** Fields of `dataset` that some generated datasets have. Without defaults here: other datasets have none of them. */
export const datasetOptions = {
  p: Type.Optional(
    Type.Integer({
      ...{ minimum: 2, maximum: 997 },
      description: 'modular-arithmetic: the modulus (97); a prime for divide.',
    }),
  ),
  operation: Type.Optional(
    OneOf(operations, { description: 'modular-arithmetic: what is done with a and b modulo p (add).' }),
  ),
  fraction: Type.Optional(
    Type.Number({
      ...{ exclusiveMinimum: 0, exclusiveMaximum: 1 },
      description:
        'modular-arithmetic: the share of all pairs to train on (0.5), rounded; the rest is validated on. Instead of trainExamples.',
    }),
  ),
  digits: Type.Optional(
    Type.Integer({ ...{ minimum: 1, maximum: 6 }, description: 'addition: digits of each number (3).' }),
  ),
  reversed: Type.Optional(
    Type.Boolean({
      description: 'addition: whether the sum has its last digit first, as carries run (false).',
    }),
  ),
  task: Type.Optional(
    OneOf(copyTasks, {
      description:
        'copy-and-induction: a segment of distinct tokens again and again, with a period that differs from example to example (induction), or once more after a separator (copy). induction if absent.',
    }),
  ),
  vocabulary: Type.Optional(
    Type.Integer({ ...{ minimum: 2, maximum: 4096 }, description: 'copy-and-induction: tokens (32).' }),
  ),
  length: Type.Optional(
    Type.Integer({
      ...{ minimum: 2, maximum: 512 },
      description: 'copy-and-induction: the longest segment (16); at most vocabulary for induction.',
    }),
  ),
  bits: Type.Optional(
    Type.Integer({ ...{ minimum: 1, maximum: 40 }, description: 'parity: bits of an example (10).' }),
  ),
  relevant: Type.Optional(
    Type.Integer({
      ...{ minimum: 1, maximum: 40 },
      description: 'parity: how many of the bits, drawn by the seed, count; all if absent.',
    }),
  ),
  tokens: Type.Optional(
    Type.Boolean({
      description: 'parity: whether the bits are tokens 0 and 1 rather than the numbers −1 and 1 (false).',
    }),
  ),
  classes: Type.Optional(
    Type.Integer({ ...{ minimum: 2, maximum: 16 }, description: 'spirals: arms, a class each (3).' }),
  ),
  turns: Type.Optional(
    Type.Number({ ...{ minimum: 0, maximum: 10 }, description: 'spirals: how often an arm goes round (1).' }),
  ),
  noise: Type.Optional(
    Type.Number({
      ...{ minimum: 0, maximum: 10 },
      description: 'spirals: standard deviation of what is added to both coordinates (0.05).',
    }),
  ),
} satisfies Record<OptionName, TSchema>
