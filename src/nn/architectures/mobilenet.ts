/** Depthwise separable convolutions (MobileNet: Howard et al. 2017, table 1), with strides for small images. */
import type { DataShape } from '../../spec/facts.ts'
import type { ResolvedArchitecture } from '../../spec/schema.ts'
import type { Layer } from '../layers.ts'

type Options = Extract<ResolvedArchitecture, { name: 'mobilenet' }>

/** Channels and stride of each block, before `widthFactor`; 512 comes `repeats` times more. */
const plan = (repeats: number): [channels: number, stride: number][] => [
  ...([
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
  ] as [number, number][]),
  ...Array.from({ length: repeats }, (): [number, number] => [512, 1]),
  ...([
    [1024, 2],
    [1024, 1],
  ] as [number, number][]),
]

/** 3×3 convolution of 32, blocks of a 3×3 depthwise and a 1×1 convolution, each with batch norm and ReLU; average, dense. */
export function mobilenet({ widthFactor, repeats, batchNorm }: Options, { classes }: DataShape): Layer[] {
  const scaled = (channels: number) => Math.max(1, Math.round(channels * widthFactor))
  const normalized = (name: string): Layer[] => [{ kind: 'batch_norm', name, ...batchNorm }, { kind: 'relu' }]
  const conv = (name: string, filters: number, size: number): Layer => ({
    ...{ kind: 'conv2d', name, filters, size },
    ...{ stride: 1, padding: 'same', bias: false },
  })
  return [
    conv('conv_1', scaled(32), 3),
    ...normalized('bn_1'),
    ...plan(repeats).flatMap(([channels, stride], i): Layer[] => {
      const block = `block${i + 1}`
      return [
        {
          ...{ kind: 'depthwise_conv2d', name: `${block}/depthwise_1`, size: 3 },
          ...{ stride, padding: 'same', bias: false },
        },
        ...normalized(`${block}/bn_1`),
        conv(`${block}/conv_1`, scaled(channels), 1),
        ...normalized(`${block}/bn_2`),
      ]
    }),
    { kind: 'global_average_pool' },
    { kind: 'dense', name: 'fc_1', units: classes },
  ]
}
