/**
 * The residual networks of He et al. 2015, §4.2, with projection shortcuts (their option B).
 *
 * A block's hidden channels, between its two convolutions, may be more or fewer than those it hands on: `widthFactors`
 * has a factor for each group. The shapes between blocks stay, so such networks differ in nothing else.
 */
import type { DataShape } from '../../spec/facts.ts'
import type { ResolvedArchitecture } from '../../spec/schema.ts'
import type { Layer } from '../layers.ts'

type Options = Extract<ResolvedArchitecture, { name: 'resnet' }>

/** 3×3 convolution, three groups of (depth − 2)/6 blocks, global average, dense. */
export function resnet({ depth, width, widthFactors, batchNorm }: Options, { classes }: DataShape): Layer[] {
  /** A 3×3 convolution and its batch norm, which makes a bias pointless. */
  const convolution = (prefix: string, index: number, filters: number, stride: number): Layer[] => [
    {
      ...{ kind: 'conv2d', name: `${prefix}conv_${index}`, filters, size: 3 },
      ...{ stride, padding: 'same', bias: false },
    },
    { kind: 'batch_norm', name: `${prefix}bn_${index}`, ...batchNorm },
  ]
  const blocks = (depth - 2) / 6
  const layers: Layer[] = [...convolution('', 1, width, 1), { kind: 'relu' }]
  let channels = width
  widthFactors.forEach((factor, group) => {
    const filters = width * 2 ** group
    const hidden = Math.max(1, Math.round(filters * factor))
    for (let block = 0; block < blocks; block++) {
      const stride = group > 0 && block === 0 ? 2 : 1
      const prefix = `block${group + 1}${String.fromCharCode(97 + block)}/`
      const projected = stride > 1 || filters !== channels
      layers.push(
        {
          kind: 'residual',
          main: [
            ...convolution(prefix, 1, hidden, stride),
            { kind: 'relu' },
            ...convolution(prefix, 2, filters, 1),
          ],
          shortcut: projected
            ? [
                {
                  kind: 'conv2d',
                  name: `${prefix}shortcut`,
                  filters,
                  size: 1,
                  stride,
                  padding: 'same',
                  bias: true,
                },
              ]
            : [],
        },
        { kind: 'relu' },
      )
      channels = filters
    }
  })
  return [...layers, { kind: 'global_average_pool' }, { kind: 'dense', name: 'fc_1', units: classes }]
}
