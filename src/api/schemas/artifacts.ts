/** Artifacts: what is in object storage. */
import { type Static, Type } from '../../spec/type.ts'
import {
  ConditionHeaders,
  closed,
  component,
  ExperimentParams,
  IntegerOrNull,
  pageQuery,
  StringOrNull,
  Timestamp,
  TimestampOrNull,
} from './common.ts'

const exampleUrl = '/v1/experiments/0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d/artifacts/weights/0-50.npy'

export const Artifact = component(
  'Artifact',
  Type.Object(
    {
      name: Type.String({ description: 'The name within the experiment.', examples: ['weights/0-50.npy'] }),
      bytes: Type.Integer({ description: 'Its size.' }),
      sha256: StringOrNull(
        'Of its bytes, in hexadecimal; also its ETag. null: derived, so that nobody has worked it out.',
      ),
      derived: Type.Boolean({
        description:
          'Whether it is put together from other artifacts when it is asked for: a tensor of all segments, one after the other.',
      }),
      rows: IntegerOrNull(
        'Of a tensor: its rows. weights/{from}-{to}.npy has to − from + 1, from the weights before the first iteration to those after the last, so that the last row of one segment is the first of the next; the others have one for each of the to − from iterations.',
      ),
      iterations: Type.Unsafe<{ first: number; last: number } | null>({
        type: ['object', 'null'],
        description:
          'Of a tensor: the iterations of its first and its last row. A row of weights is the weights before that iteration.',
        properties: { first: { type: 'integer' }, last: { type: 'integer' } },
        required: ['first', 'last'],
      }),
      contentType: Type.String({ examples: ['application/octet-stream'] }),
      createdAt: Timestamp('When it was stored.'),
      url: Type.String({ description: 'Where to get it, relative to this service.', examples: [exampleUrl] }),
    },
    {
      description:
        'One object: .npy tensors (little-endian, as numpy.load and its memory maps read them), manifest.json. Or what is put together from tensors: weights.npy, allocations/{split}.npy, neurons/{split}.npy.',
    },
  ),
)
export type Artifact = Static<typeof Artifact>

export const ArtifactLink = component(
  'ArtifactLink',
  Type.Object(
    {
      url: Type.String({
        description: 'Where to get it, relative to this service. Of another host: no key belongs there.',
        examples: [exampleUrl],
      }),
      needsKey: Type.Boolean({ description: 'Whether the key has to be sent there, as to this service.' }),
      expiresAt: TimestampOrNull('Until when a download can begin there; null: for ever.'),
      sha256: StringOrNull('Of the bytes, in hexadecimal; null where nobody has worked it out.'),
    },
    { description: 'Where the bytes of an artifact are.' },
  ),
)
export type ArtifactLink = Static<typeof ArtifactLink>

export const ArtifactsQuery = Type.Object({ ...pageQuery }, closed)

const most = 2_147_483_647

export const ArtifactQuery = Type.Object(
  {
    from: Type.Optional(
      Type.Integer({
        ...{ minimum: 0, maximum: most },
        description: 'Of a derived tensor: the first iteration; 0 if absent.',
      }),
    ),
    to: Type.Optional(
      Type.Integer({
        ...{ minimum: 0, maximum: most },
        description:
          'Of a derived tensor: the iteration to stop before; weights have a row for what it begins with as well. All if absent.',
      }),
    ),
    link: Type.Optional(
      Type.Boolean({
        description:
          'Instead of the bytes or a redirect, an ArtifactLink as JSON, for programs that send the key to wherever they are redirected.',
      }),
    ),
  },
  closed,
)

export const ArtifactParams = Type.Object({
  ...ExperimentParams.properties,
  '*': Type.String({
    description: 'The name of the artifact; it contains slashes.',
    examples: ['weights/0-50.npy'],
  }),
})

export const ArtifactHeaders = Type.Object({
  range: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'One range of bytes. Several at once are ignored: the whole object is the answer.',
      examples: ['bytes=0-127'],
    }),
  ),
  'if-range': Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'An ETag: the range counts only while the object is still this one.',
    }),
  ),
  ...ConditionHeaders.properties,
})
