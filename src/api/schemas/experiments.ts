/** Experiments as the API shows them. The spec that is posted is src/spec/schema.ts. */

import type { FieldError } from '../../spec/errors.ts'
import { worded } from '../../spec/patterns.ts'
import type { ResolvedSpec } from '../../spec/schema.ts'
import { type Static, type TSchema, Type } from '../../spec/type.ts'
import { fieldNames } from '../routes/experiments/fields.ts'
import { operators } from '../routes/experiments/where.ts'
import { Unbalanced } from './balance.ts'
import {
  ConditionHeaders,
  closed,
  component,
  exampleId,
  FieldErrorSchema,
  FiniteOrNull,
  idOf,
  pageQuery,
  ref,
  StringOrNull,
  Timestamp,
  TimestampOrNull,
  uuidPattern,
} from './common.ts'
import { FindingsSummary } from './findings.ts'
import { ResolvedSpecComponent } from './resolved.ts'
import { helpFractions } from './tables.ts'

export const experimentStatuses = [
  'queued',
  'training',
  'allocating',
  'succeeded',
  'failed',
  'cancelled',
] as const
export const ExperimentStatus = component(
  'ExperimentStatus',
  Type.Enum([...experimentStatuses], { description: 'Where an experiment is in its life.' }),
)

export const Progress = component(
  'Progress',
  Type.Object(
    {
      phase: Type.Enum(['queued', 'training', 'allocating', 'finalizing', 'finished'], {
        description:
          'What is being done; for a failed or cancelled experiment, what was being done when it stopped.',
      }),
      done: Type.Integer({ description: 'Iterations of this phase that are done.' }),
      total: Type.Integer({ description: 'Iterations of this phase.' }),
      etaSeconds: FiniteOrNull(
        'Seconds until the phase is done, at the pace since its first iterations were done; null where there is no pace yet.',
      ),
    },
    { description: 'How far an experiment is.' },
  ),
)

const ends = (of: string) =>
  Type.Object({
    initial: FiniteOrNull(`The ${of} before the first iteration.`),
    final: FiniteOrNull(`The ${of} after the last.`),
  })
const bySplit = <T extends TSchema>(schema: T, description: string) =>
  Type.Object({ train: Type.Optional(schema), validation: Type.Optional(schema) }, { description })
/** What finalize wrote (store/summary.ts). */
export const ExperimentSummary = component(
  'ExperimentSummary',
  Type.Object(
    {
      parameters: Type.Integer({ description: 'Trainable parameters.' }),
      iterations: Type.Integer(),
      splits: bySplit(
        Type.Object({
          examples: Type.Optional(
            Type.Integer({
              description:
                'Losses, accuracies and allocations are over so many examples of the split: all, or a sample of them. Earlier versions did not say.',
            }),
          ),
          of: Type.Optional(Type.Integer({ description: 'Examples of the split.' })),
          loss: ends('loss over the split, or its sample,'),
          accuracy: ends(
            'share of examples that are classified as labelled; null where their targets are numbers:',
          ),
          lca: FiniteOrNull('Sum of all allocations.'),
          standardError: Type.Optional(
            FiniteOrNull(
              'Of lca, as an estimate for the whole split, where a sample of it is allocated; else null.',
            ),
          ),
          helping: FiniteOrNull('Sum of the negative ones.'),
          hurting: FiniteOrNull('Sum of the positive ones.'),
          ...helpFractions,
          worstResidual: FiniteOrNull('The largest |residual| of any iteration.'),
          diagnostics: Type.Optional(
            Type.Record(Type.String(), FiniteOrNull('A figure.'), {
              description:
                'Numbers of the whole run that the diagnostics give, as name.figure: …/diagnostics says what each is. Null where there is none to give; absent where none was recorded.',
            }),
          ),
        }),
        'Of every split that was allocated, over the whole run.',
      ),
      unbalanced: Type.Unsafe<{
        train?: Static<typeof Unbalanced>
        validation?: Static<typeof Unbalanced>
      } | null>({
        type: ['object', 'null'],
        properties: { train: ref(Unbalanced), validation: ref(Unbalanced) },
        description:
          'The splits whose books do not balance: their LCA is not to be believed. Null where all balance.',
      }),
      findings: Type.Optional(FindingsSummary),
      ended: Type.Optional(
        Type.Unsafe<{ policy: 'stopOverfitting'; iterations: number; asked: number } | null>({
          type: ['object', 'null'],
          properties: {
            policy: { type: 'string', enum: ['stopOverfitting'] },
            iterations: { type: 'integer' },
            asked: { type: 'integer' },
          },
          required: ['policy', 'iterations', 'asked'],
          description:
            'Which policy ended training, after how many iterations of those that were asked for; the spec has those that there were. Null where none did.',
        }),
      ),
      gradients: Type.Integer({ description: 'Full-split gradients computed, over all splits.' }),
      allocationSeconds: FiniteOrNull('Of computing, summed over the segments.'),
    },
    { description: 'What came of an experiment that has succeeded.' },
  ),
)
export type ExperimentSummary = Static<typeof ExperimentSummary>
const SummaryOrNull = Type.Unsafe<ExperimentSummary | null>({
  // Stored JSON, which leaves as it is.
  anyOf: [{ type: 'object', additionalProperties: true, 'x-ref': idOf(ExperimentSummary) }, { type: 'null' }],
  description: 'Null until the experiment has succeeded.',
})
const Engine = Type.Unsafe<unknown>({
  type: ['object', 'null'],
  additionalProperties: true,
  description: 'What computed: name, version, threads, device.',
})
/** What the worker wrote when it gave up. */
const ExperimentError = Type.Unsafe<{ message: string; errors?: FieldError[] } | null>({
  type: ['object', 'null'],
  properties: { message: { type: 'string' }, errors: { type: 'array', items: ref(FieldErrorSchema) } },
  required: ['message'],
  description: 'Why the experiment failed.',
})

export const Parent = Type.Unsafe<{ experiment: string; iteration: number; state: boolean } | null>({
  type: ['object', 'null'],
  properties: { experiment: { type: 'string' }, iteration: { type: 'integer' }, state: { type: 'boolean' } },
  required: ['experiment', 'iteration', 'state'],
  description:
    'What it starts from (training.initial), which may have been deleted since; state: it goes on with that training.',
})

const listed = {
  id: Type.String({ examples: [exampleId], description: 'A UUID (version 7).' }),
  name: StringOrNull('Yours.'),
  tags: Type.Record(Type.String(), Type.String(), { description: 'Yours.' }),
  status: ref(ExperimentStatus),
  dataset: Type.String({ description: 'The name of the dataset.' }),
  architecture: Type.String({ description: 'The name of the architecture.' }),
  iterations: Type.Integer({
    description: 'Optimizer steps: asked for, or, where a policy ended training, made.',
  }),
  sweepId: StringOrNull('The sweep that it belongs to.'),
  variant: StringOrNull('The label of its variant in that sweep.'),
  parent: Parent,
  progress: ref(Progress),
  summary: SummaryOrNull,
  bytes: Type.Object(
    {
      objects: Type.Integer({ description: 'Of its artifacts: raw tensors, manifest.' }),
      ledger: Type.Integer({ description: 'Of its tables in PostgreSQL.' }),
    },
    { description: 'What it takes up so far.' },
  ),
  worker: StringOrNull('The worker that took it.'),
  engine: Engine,
  attempts: Type.Integer({ description: 'How many times work on it began.' }),
  error: ExperimentError,
  createdAt: Timestamp('When it was posted.'),
  startedAt: TimestampOrNull('When training began.'),
  allocatingAt: TimestampOrNull('When allocation began.'),
  finishedAt: TimestampOrNull('When it succeeded, failed or was cancelled.'),
  updatedAt: Timestamp('When anything about it last changed.'),
}

export const ExperimentListItem = component(
  'ExperimentListItem',
  Type.Object(
    {
      ...listed,
      values: Type.Optional(
        Type.Unsafe<Record<string, unknown>>({
          type: 'object',
          additionalProperties: true,
          description: 'What `field` asked for, by field; null where the experiment has no such thing.',
        }),
      ),
    },
    { description: 'An experiment without its spec.' },
  ),
)
export type ExperimentListItem = Static<typeof ExperimentListItem>

/**
 * The resolved spec in an answer is stored JSON and leaves as it is: an experiment that was posted to another version
 * must stay readable. `x-ref` puts the component into openapi.yaml.
 */
export const ResolvedSpecSchema = Type.Unsafe<ResolvedSpec>({
  type: 'object',
  additionalProperties: true,
  'x-ref': idOf(ResolvedSpecComponent),
  description: 'The spec with every default filled in.',
})

export const Place = component(
  'QueuePlace',
  Type.Object(
    {
      position: Type.Integer({ description: '1: the next of those that wait.' }),
      ahead: Type.Object(
        {
          experiments: Type.Integer({ description: 'That wait or run, with work that is due before.' }),
          segments: Type.Integer({ description: 'Of theirs that are due before.' }),
          seconds: FiniteOrNull(
            'Until its turn comes, at the pace of the last segments and with the workers that live; null where there is no pace or no worker.',
          ),
        },
        { description: 'What comes before it.' },
      ),
    },
    { description: 'The place of a queued experiment in line. Experiments have turns by what they cost.' },
  ),
)
export type Place = Static<typeof Place>

export const Experiment = component(
  'Experiment',
  Type.Object(
    {
      ...listed,
      notes: StringOrNull('Yours, in plain text.'),
      queue: Type.Unsafe<Place | null>({
        anyOf: [{ $ref: idOf(Place) }, { type: 'null' }],
        description: 'Its place in line; null when it is not queued.',
      }),
      branches: Type.Array(
        Type.Object({
          id: Type.String({ examples: [exampleId] }),
          name: StringOrNull('Yours.'),
          iteration: Type.Integer({ description: 'Of this experiment, from which it starts.' }),
          status: ref(ExperimentStatus),
        }),
        {
          description:
            'What starts from it, the newest 100: GET /v1/experiments?where=spec.training.initial.experiment = ID has all.',
        },
      ),
      spec: ResolvedSpecSchema,
    },
    { description: 'An experiment: what was asked for, how far it is, what came of it.' },
  ),
)
export type Experiment = Static<typeof Experiment>

export const ListQuery = Type.Object(
  {
    ...pageQuery,
    status: Type.Optional(
      Type.Array(ref(ExperimentStatus), { maxItems: 6, description: 'Only these; may be repeated.' }),
    ),
    where: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2000,
        description: `Only experiments of which this is true: comparisons of a field with a value by ${operators.join(' ')} (~: contains, whatever the case), put together by and, or, not and brackets. Fields: ${fieldNames.join(', ')}; spec.… any field of the resolved spec (spec.optimizer.learningRate), summary.… any figure of the summary (summary.splits.train.loss.final), tags.… a tag, in double quotes where its name is more than letters, digits, _ and -. \`any\` is name, tags, dataset, architecture and optimizer in one. Values: numbers, true, false, null (there is none), times (2026-11-28, 2026-11-28T17:30:00Z), words, and texts in double quotes, in which \\ stands before " and \\.`,
        examples: ['status = succeeded and spec.optimizer.learningRate <= 0.1 and not name ~ "old"'],
      }),
    ),
    sort: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 300,
        description:
          'A field of `where`, with - before it for the largest first. Experiments that have no such thing come last. Newest first if absent. Pages are stable where what is sorted by stays as it is.',
        examples: ['-validationAccuracy'],
      }),
    ),
    field: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 300 }), {
        maxItems: 30,
        description: 'A field of `where` that `values` of each item is to have; may be repeated.',
        examples: [['spec.training.batchSize']],
      }),
    ),
    id: Type.Optional(
      Type.Array(Type.String({ pattern: uuidPattern }), {
        maxItems: 200,
        description: 'Only these, as far as there are any; may be repeated.',
        examples: [[exampleId]],
      }),
    ),
    sweep: Type.Optional(
      Type.String({
        pattern: uuidPattern,
        description: 'Only the experiments of this sweep.',
        examples: [exampleId],
      }),
    ),
    tag: Type.Optional(
      Type.Array(
        // No NUL: Postgres has no such character.
        Type.String({
          maxLength: 301,
          pattern: worded('^[^:\\u0000]+:[^\\u0000]*$', 'key:value, the key without a colon'),
          examples: ['study:freeze'],
        }),
        {
          maxItems: 20,
          description: 'key:value. Only experiments with this tag; repeated, with all of them.',
        },
      ),
    ),
  },
  closed,
)

export const LogLine = component(
  'LogLine',
  Type.Object(
    {
      at: Timestamp('When it was said.'),
      level: Type.Enum(['info', 'warn', 'error']),
      message: Type.String({ examples: ['allocated'] }),
      worker: Type.String({ description: 'Who said it.' }),
      facts: Type.Unsafe<Record<string, unknown>>({
        type: 'object',
        additionalProperties: true,
        description: 'What it is about: iterations, seconds, names of objects; `error` is why.',
      }),
    },
    { description: 'What a worker said of an experiment.' },
  ),
)
export type LogLine = Static<typeof LogLine>

export const LookHeaders = Type.Object({
  prefer: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'wait=seconds, at most 60: answer when something changes.',
      examples: ['wait=30'],
    }),
  ),
  ...ConditionHeaders.properties,
})

export const exampleSpec = {
  name: 'fc, last layer frozen',
  tags: { study: 'freeze' },
  dataset: { name: 'synthetic-digits', trainExamples: 10_000, validationExamples: 2000 },
  architecture: { name: 'fc', hidden: [100, 50] },
  optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
  layers: { fc_3: { freeze: true } },
  training: { iterations: 200, batchSize: 250, seed: 1 },
}
