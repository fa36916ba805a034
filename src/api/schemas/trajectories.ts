/** Trajectories: trainings that happened elsewhere. */

import { layoutNames } from '../../data/trajectories/layouts.ts'
import { type Static, Type } from '../../spec/type.ts'
import { closed, component, exampleId, pageQuery, StringOrNull, Timestamp, uuidPattern } from './common.ts'

export const TrajectoryParams = Type.Object({
  id: Type.String({
    pattern: uuidPattern,
    description: 'The trajectory’s id, a UUID (version 7).',
    examples: [exampleId],
  }),
})
export const TrajectoriesQuery = Type.Object({ ...pageQuery }, closed)

const Files = (description: string) =>
  Type.Unsafe<unknown>({
    type: 'array',
    items: { type: 'string', contentMediaType: 'application/octet-stream' },
    description,
  })

const exampleDescription = {
  dataset: { name: 'synthetic-digits' },
  architecture: { name: 'fc', hidden: [100, 50] },
  optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
  layout: 'torch',
  map: { fc_1: '1', fc_2: '3', fc_3: '5' },
}

export const TrajectoryForm = Type.Object({
  trajectory: Type.String({
    description: `JSON, before the files: \`dataset\` and \`architecture\` as a spec has them (\`custom\` included), \`optimizer\` if it is one of a spec's, \`name\`, \`every\` (iterations between two rows, 1 if absent), \`layout\` (${layoutNames.join(', ')}: how the kernels lie, own if absent), \`map\` (a variable or layer here → a tensor or the prefix of its tensors there), \`losses\` ([{ row, loss }]: over the train split at recorded weights, compared with what is computed here before anything is allocated), \`optimizerState\` (true, or { updates, weightDecay }: the optimizer's state came along at every row).`,
    examples: [JSON.stringify(exampleDescription)],
  }),
  part: Files(
    'Weights as safetensors or .npz, gzipped or not, in any number of files, one after the other: of every variable [rows, …shape], or […shape] for one row; float16, bfloat16, float32 or float64 (stored as sent, computed with as float32). With `optimizerState` also what the optimizer keeps for each tensor, by its name and the slot’s (`0.weight.momentum_buffer` of sgd, `.exp_avg` and `.exp_avg_sq` of adam), and `learning_rate` [rows], of the step that led to each row. At most 1 GiB each.',
  ),
  probe: Type.Optional(
    Files(
      'Safetensors or .npz: `input`, a batch as the network saw it ([n, height, width, channels], in PyTorch’s layout [n, channels, height, width]), and what layers made of it at the first weights, by the names they have here. A network whose outputs differ is refused, with the first layer that does.',
    ),
  ),
})

export const Trajectory = component(
  'Trajectory',
  Type.Object(
    {
      id: Type.String({ examples: [exampleId] }),
      name: StringOrNull('Yours.'),
      dataset: Type.String({ description: 'The dataset that its network was laid out for.' }),
      architecture: Type.Unsafe<unknown>({
        type: 'object',
        additionalProperties: true,
        description: 'As a resolved spec has it.',
      }),
      optimizer: Type.Unsafe<unknown>({
        type: ['object', 'null'],
        additionalProperties: true,
        description: 'As a spec has it; null: it is none of these, and specs say one.',
      }),
      iterations: Type.Integer({
        description: 'Recorded steps: a row of weights less. What training.iterations is at the most.',
      }),
      every: Type.Integer({ description: 'Iterations of the training in a recorded step.' }),
      layout: Type.Enum([...layoutNames], { description: 'How its kernels lie.' }),
      parameters: Type.Integer(),
      checks: Type.Object(
        { losses: Type.Integer(), probe: Type.Boolean() },
        { description: 'What came along to compare with before anything is allocated.' },
      ),
      optimizerState: Type.Boolean({
        description:
          'Whether the optimizer’s state came along, of which `components` tells what steps are made of.',
      }),
      bytes: Type.Integer({ description: 'In the object store.' }),
      createdAt: Timestamp('When it was uploaded.'),
    },
    {
      description:
        'The weights of a training that happened elsewhere: `training: { trajectory: id }` allocates it.',
    },
  ),
)
export type Trajectory = Static<typeof Trajectory>
