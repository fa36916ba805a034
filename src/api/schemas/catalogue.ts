/** What a spec can choose from, and whether the service is well. */

import { targetKinds, valueKinds } from '../../data/uploads/about.ts'
import { layouts } from '../../data/uploads/arrangement.ts'
import { formats } from '../../data/uploads/examples.ts'
import { cifar100Labels } from '../../data/uploads/records.ts'
import { worded } from '../../spec/patterns.ts'
import { type Static, type TSchema, Type } from '../../spec/type.ts'
import { component, IntegerOrNull, Timestamp } from './common.ts'

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

const Upload = Type.Object({
  format: Type.Enum([...formats], { description: 'Of the files that were sent.' }),
  sha256: Type.String({
    description:
      'Which examples these are: the same for the same images, labels and classes, however they were sent. `dataset.sha256` of a spec.',
  }),
  bytes: Type.Integer({ description: 'In the object store.' }),
  createdAt: Timestamp('When it was uploaded.'),
})

/** What a dataset may be called. It is a part of a path, and of no file's name. */
export const datasetPattern = worded(
  '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
  '1 to 64 letters, digits, dots, dashes and underscores, the first of them a letter or a digit',
)
export const DatasetParams = Type.Object({
  name: Type.String({ pattern: datasetPattern, description: 'Its name.', examples: ['mnist'] }),
})

const File = (description: string) =>
  Type.Unsafe<unknown>({ type: 'string', contentMediaType: 'application/octet-stream', description })
const Files = (description: string) =>
  Type.Unsafe<unknown>({
    type: 'array',
    items: { type: 'string', contentMediaType: 'application/octet-stream' },
    description,
  })
/** The form that makes a dataset: images and labels, or train, or npz. */
export const DatasetForm = Type.Object({
  name: Type.String({
    pattern: datasetPattern,
    description:
      'What specs call it. Before the files, a name that is taken is refused before they are read.',
    examples: ['kuzushiji'],
  }),
  layout: Type.Optional(
    Type.Enum([...layouts], {
      description:
        'Whether the channels of images [n, …, …, …] are their last axis (nhwc) or their first (nchw); sequence: with values=numbers, examples are [length, features]. Before the files. If absent, the last; where it may as well be the first, the answer is a 422 that has both readings.',
    }),
  ),
  cifar100: Type.Optional(
    Type.Enum([...cifar100Labels], {
      description:
        'train and test are CIFAR-100’s binary files, and these of their labels are meant: 100 classes or 20 superclasses. Before the files.',
    }),
  ),
  images: Type.Optional(
    File(
      'IDX or .npy of whole numbers from 0 to 255, of whatever integer type, or booleans (stored as 0 and 255): [n, height, width] or [n, height, width, channels], or the channels first (layout). C or Fortran order.',
    ),
  ),
  labels: Type.Optional(
    File('IDX or .npy of whole numbers from 0 to 255, of whatever integer type: [n], [n, 1] or [1, n].'),
  ),
  testImages: Type.Optional(File('As images.')),
  testLabels: Type.Optional(File('As labels.')),
  train: Type.Optional(
    Files(
      'CIFAR-10’s binary files instead of images and labels: records of a label and 3 × 32 × 32 values. Of CIFAR-100 with cifar100.',
    ),
  ),
  test: Type.Optional(Files('As train.')),
  npz: Type.Optional(
    File(
      'Instead of images, labels, testImages and testLabels: a .npz, as np.savez and np.savez_compressed write it, of arrays called images and labels, x and y, or x_train, y_train, x_test, y_test and the like.',
    ),
  ),
  values: Type.Optional(
    Type.Enum([...valueKinds], {
      description:
        'What the values of images are. bytes, if absent: whole numbers from 0 to 255, which networks see divided by 255. numbers: any type, kept as float32 (float64 is rounded, which the description of the dataset then says; NaN, infinities and what float32 has not are refused with their place): features [n, f], images, or sequences (layout). tokens: integers below vocabulary, [n, length]; labels are then [n], or [n, places] of the last places. Before the files.',
    }),
  ),
  targets: Type.Optional(
    Type.Enum([...targetKinds], {
      description:
        'What labels are. classes, if absent. numbers: to be predicted by loss mean-squared-error, [n] or [n, width] of any type, kept as float32. Before the files.',
    }),
  ),
  vocabulary: Type.Optional(
    Type.Integer({
      ...{ minimum: 2, maximum: 65_536 },
      description: 'Tokens are below it. If absent, the largest token and one.',
    }),
  ),
  classNames: Type.Optional(
    Type.String({
      description: 'What classes are called, a JSON array of as many texts as there are classes.',
      examples: ['["cat","dog"]'],
    }),
  ),
  classes: Type.Optional(
    Type.Integer({
      minimum: 2,
      maximum: 65_536,
      description:
        'At most 256, but for tokens. Labels are below it. If absent, the largest label and one; for CIFAR files 10, 100 or 20.',
    }),
  ),
  format: Type.Optional(Type.Enum([...formats], { description: 'If absent, what the files begin with.' })),
})

export const Dataset = component(
  'Dataset',
  Type.Object(
    {
      name: Type.String({ examples: ['mnist'] }),
      description: Type.String(),
      shape: Type.Array(Type.Integer(), {
        description: 'One example: [height, width, channels], [features], or of tokens [length].',
      }),
      classes: IntegerOrNull('Classes of its labels; null: its targets are numbers.'),
      outputs: IntegerOrNull('Numbers that are to be predicted of each example; null: it has classes.'),
      classNames: Type.Unsafe<string[] | null>({
        type: ['array', 'null'],
        items: { type: 'string' },
        description: 'What the classes are called, in their order; null: nobody has said.',
      }),
      values: Type.Enum([...valueKinds], {
        description:
          'What values of examples are: bytes, which networks see divided by 255, numbers as they are, or tokens; dataset.normalization of a spec says otherwise.',
      }),
      vocabulary: IntegerOrNull('Examples are tokens, integers below it; null: they are numbers.'),
      targets: IntegerOrNull(
        'So many places at the end of each example have a label; null: an example has one.',
      ),
      options: Type.Array(Type.String(), {
        description: 'Fields of `dataset` that it has beside others’; the rest is said for their defaults.',
      }),
      trainFile: IntegerOrNull('Examples to train on that there are; null: generated, as many as asked for.'),
      testFile: IntegerOrNull('Examples to test on that there are; null: generated.'),
      defaults: Type.Object(
        { trainExamples: Type.Integer(), validationExamples: Type.Integer() },
        { description: 'What a spec gets that does not say.' },
      ),
      upload: Type.Unsafe<Static<typeof Upload> | null>({
        ...Upload,
        type: ['object', 'null'],
        description: 'Where it comes from; null: it is built in.',
      }),
    },
    { description: 'A dataset that a spec can name.' },
  ),
)

export const SamplesQuery = Type.Object(
  {
    split: Type.Unsafe<'train' | 'test'>({
      ...{ enum: ['train', 'test'], default: 'train' },
      description: 'Which examples: those to train on, or those to test on.',
    }),
    n: Type.Integer({ minimum: 1, maximum: 100, default: 30, description: 'Most examples.' }),
  },
  { additionalProperties: false },
)
export const DatasetSamples = component(
  'DatasetSamples',
  Type.Object(
    {
      name: Type.String({ examples: ['mnist'] }),
      split: Type.Enum(['train', 'test']),
      shape: Type.Array(Type.Integer(), { description: 'Of one example.' }),
      classes: IntegerOrNull('null: targets are numbers.'),
      counts: Type.Unsafe<number[] | null>({
        ...{ type: ['array', 'null'], items: { type: 'integer' } },
        description: 'Examples of each class, of those counted; null where there are no classes.',
      }),
      counted: Type.Integer(),
      of: IntegerOrNull('Examples that there are; null: they are generated, without end.'),
      samples: Type.Array(
        Type.Object({
          index: Type.Integer({ description: 'Its place.' }),
          labels: Type.Array(Type.Number(), {
            description: 'Its class, those of its last places, or the numbers to be predicted.',
          }),
          pixels: Type.Unsafe<string | null>({
            type: ['string', 'null'],
            contentEncoding: 'base64',
            description: 'Bytes of [height, width, channels], in base64; null where it is no image.',
          }),
          values: Type.Unsafe<number[] | null>({
            type: ['array', 'null'],
            items: { type: 'number' },
            description: 'Tokens or features, where it is no image.',
          }),
        }),
        { description: 'The first of each class, in their order.' },
      ),
    },
    { description: 'A look into a dataset.' },
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
export const List = <T extends TSchema>(items: T, description: string) =>
  Type.Object({ items: Type.Array(items) }, { description })
