/** Artifacts: what is in object storage. */
import { type Static, Type } from 'typebox'
import { ConditionHeaders, closed, component, ExperimentParams, pageQuery, Timestamp } from './common.ts'

export const Artifact = component(
  'Artifact',
  Type.Object(
    {
      name: Type.String({ description: 'The name within the experiment.', examples: ['weights/0-50.npy'] }),
      bytes: Type.Integer({ description: 'Its size.' }),
      sha256: Type.String({ description: 'Of its bytes, in hexadecimal; also its ETag.' }),
      contentType: Type.String({ examples: ['application/octet-stream'] }),
      createdAt: Timestamp('When it was stored.'),
      url: Type.String({
        description: 'Where to get it, relative to this service.',
        examples: ['/v1/experiments/0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d/artifacts/weights/0-50.npy'],
      }),
    },
    {
      description:
        'One object: .npy tensors (little-endian, as numpy.load and its memory maps read them), manifest.json.',
    },
  ),
)
export type Artifact = Static<typeof Artifact>

export const ArtifactsQuery = Type.Object({ ...pageQuery }, closed)

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
