/**
 * The wide residual networks of Zagoruyko and Komodakis 2016: batch norm and ReLU come before each convolution, and where a
 * block changes the shape they are before its 1×1 shortcut too.
 */
import type { DataShape } from '../../spec/facts.ts'
import type { ResolvedArchitecture } from '../../spec/schema.ts'
import type { Layer } from '../layers.ts'

type Options = Extract<ResolvedArchitecture, { name: 'wide-resnet' }>

/** 3×3 convolution of 16, three groups of (depth − 4)/6 blocks, batch norm, ReLU, global average, dense. */
export function wideResnet(
  { depth, widenFactor, dropout, batchNorm }: Options,
  { classes }: DataShape,
): Layer[] {
  const normalized = (name: string): Layer[] => [{ kind: 'batch_norm', name, ...batchNorm }, { kind: 'relu' }]
  const blocks = (depth - 4) / 6
  const layers: Layer[] = [convolution('conv_1', 16, 3, 1)]
  let channels = 16
  for (let group = 0; group < 3; group++) {
    const filters = Math.max(1, Math.round(16 * 2 ** group * widenFactor))
    for (let block = 0; block < blocks; block++) {
      const stride = group > 0 && block === 0 ? 2 : 1
      const prefix = `block${group + 1}${String.fromCharCode(97 + block)}/`
      const activated = normalized(`${prefix}bn_1`)
      const main: Layer[] = [
        convolution(`${prefix}conv_1`, filters, 3, stride),
        ...normalized(`${prefix}bn_2`),
        ...(dropout > 0 ? [{ kind: 'dropout', name: `${prefix}dropout_1`, rate: dropout } as const] : []),
        convolution(`${prefix}conv_2`, filters, 3, 1),
      ]
      if (stride === 1 && filters === channels)
        layers.push({ kind: 'residual', main: [...activated, ...main], shortcut: [] })
      else
        layers.push(...activated, {
          ...{ kind: 'residual', main },
          shortcut: [convolution(`${prefix}shortcut`, filters, 1, stride)],
        })
      channels = filters
    }
  }
  return [
    ...layers,
    ...normalized('bn_1'),
    { kind: 'global_average_pool' },
    { kind: 'dense', name: 'fc_1', units: classes },
  ]
}

const convolution = (name: string, filters: number, size: number, stride: number): Layer => ({
  ...{ kind: 'conv2d', name, filters, size, stride, padding: 'same', bias: false },
})
