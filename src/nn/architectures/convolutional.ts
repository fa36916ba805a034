/**
 * Plain convolutional networks, as the LCA experiments have them.
 *
 * Where a ReLU and a max pool meet, the pool comes first: the maximum of a monotone function's values is its value at
 * the maximum, so nothing changes but that ReLU has a quarter of the work.
 */
import type { DataShape } from '../../spec/facts.ts'
import type { ResolvedArchitecture } from '../../spec/schema.ts'
import type { Layer } from '../layers.ts'

type Options<Name extends string> = Extract<ResolvedArchitecture, { name: Name }>

const conv = (index: number, filters: number, size: number, { stride = 1, bias = true } = {}): Layer => ({
  kind: 'conv2d',
  name: `conv_${index}`,
  filters,
  size,
  stride,
  padding: 'same',
  bias,
})
const dense = (index: number, units: number): Layer => ({ kind: 'dense', name: `fc_${index}`, units })
const dropout = (index: number, rate: number): Layer => ({ kind: 'dropout', name: `dropout_${index}`, rate })
const relu: Layer = { kind: 'relu' }
const maxPool: Layer = { kind: 'max_pool', size: 2 }
const flatten: Layer = { kind: 'flatten' }
const scaled = (channels: number, factor: number) => Math.max(1, Math.round(channels * factor))

/** conv 5×5, pool, conv 5×5, pool, dense, dense (after LeCun et al. 1998). */
export function lenet(options: Options<'lenet'>, { classes }: DataShape): Layer[] {
  const [first, second] = options.channels
  const [beforeHidden, beforeLogits] = options.dropout
  return [
    conv(1, first, 5),
    maxPool,
    relu,
    conv(2, second, 5),
    maxPool,
    relu,
    flatten,
    dropout(1, beforeHidden),
    dense(1, options.units),
    relu,
    dropout(2, beforeLogits),
    dense(2, classes),
  ]
}

/** Convolutions with stride in the place of pools (All-CNN-C of Springenberg et al. 2015). */
export function allCnn(
  { widthFactor, dropout: rate, batchNorm }: Options<'all-cnn'>,
  { classes }: DataShape,
): Layer[] {
  const [narrow, wide] = [scaled(96, widthFactor), scaled(192, widthFactor)]
  const normalized = (index: number, filters: number, size: number): Layer[] => [
    conv(index, filters, size, { bias: false }),
    { kind: 'batch_norm', name: `bn_${index}`, ...batchNorm },
    relu,
  ]
  return [
    ...normalized(1, narrow, 3),
    ...normalized(2, narrow, 3),
    conv(3, narrow, 3, { stride: 2 }),
    relu,
    dropout(1, rate),
    ...normalized(4, wide, 3),
    ...normalized(5, wide, 3),
    conv(6, wide, 3, { stride: 2 }),
    relu,
    dropout(2, rate),
    ...normalized(7, wide, 3),
    ...normalized(8, wide, 1),
    conv(9, classes, 1),
    { kind: 'global_average_pool' },
  ]
}

/** Filters of each convolution; M is a max pool (after Simonyan and Zisserman 2015). */
const vggPlan = [32, 'M', 64, 'M', 128, 128, 'M', 256, 256, 'M'] as const

export function vgg({ widthFactor, dropout: rate }: Options<'vgg'>, { classes }: DataShape): Layer[] {
  let index = 0
  const layers = vggPlan.flatMap((filters, i): Layer[] => {
    if (filters === 'M') return [maxPool, relu]
    const convolution = conv(++index, scaled(filters, widthFactor), 3)
    return vggPlan[i + 1] === 'M' ? [convolution] : [convolution, relu]
  })
  const units = scaled(512, widthFactor)
  return [
    ...layers,
    flatten,
    dense(1, units),
    relu,
    dropout(1, rate),
    dense(2, units),
    relu,
    dropout(2, rate),
    dense(3, classes),
  ]
}
