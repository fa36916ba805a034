/** Workers: processes that compute. */
import { Type } from '../../spec/type.ts'
import { component, FiniteOrNull, Timestamp } from './common.ts'

export const Worker = component(
  'Worker',
  Type.Object(
    {
      id: Type.String({ description: 'Of this life of the worker, a UUID.' }),
      name: Type.String({
        description: 'host:pid, as in `worker` of experiments.',
        examples: ['gpu-3:4711'],
      }),
      host: Type.String(),
      pid: Type.Integer(),
      engine: Type.Object(
        {
          name: Type.String({ examples: ['native'] }),
          version: Type.String({ description: 'Of TensorFlow, or of the WebAssembly backend.' }),
          threads: Type.Integer({ description: 'CPU threads of one operation.' }),
          device: Type.String({ description: 'The GPU or the CPU.', examples: ['NVIDIA H100 80GB HBM3'] }),
          onGpu: Type.Optional(Type.Boolean()),
        },
        { description: 'What it computes on.' },
      ),
      memoryBytes: Type.Number({ description: 'Memory of the device: the GPU’s, or the machine’s.' }),
      doing: Type.Unsafe<{
        task: 'train' | 'allocate'
        experiment: string | null
        from?: number
        to?: number
        since: string
      } | null>({
        type: ['object', 'null'],
        properties: {
          task: { enum: ['train', 'allocate'] },
          experiment: { type: ['string', 'null'] },
          from: { type: 'integer' },
          to: { type: 'integer' },
          since: { type: 'string', format: 'date-time' },
        },
        required: ['task', 'experiment', 'since'],
        description:
          'What it does, with the iterations where it allocates a segment; null: it waits for work. `experiment` is null where it is not yours.',
      }),
      examplesPerSecond: FiniteOrNull('Gradients of examples a second in the last segment it allocated.'),
      startedAt: Timestamp('When it registered.'),
      seenAt: Timestamp('When it last said that it lives.'),
    },
    { description: 'A worker that lives.' },
  ),
)
