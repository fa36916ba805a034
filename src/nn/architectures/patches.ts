/** Networks over the patches of images: a transformer (Dosovitskiy et al. 2021), and one without attention (Tolstikhin et al. 2021). */
import { SpecError } from '../../spec/errors.ts'
import type { DataShape } from '../../spec/facts.ts'
import type { ResolvedArchitecture } from '../../spec/schema.ts'
import type { Layer } from '../layers.ts'
import { encoder, normalization } from './transformer.ts'

type Options<Name extends string> = Extract<ResolvedArchitecture, { name: Name }>

/** Patches side by side, each as `width` features: [h, w, c] → [h·w/patch², width]. How many there are, and the layers. */
function patches(patch: number, width: number, shape: number[]): { length: number; layers: Layer[] } {
  const [h, w] = shape
  if (shape.length === 3 && (h % patch !== 0 || w % patch !== 0)) {
    const message = `must divide the sides of an image (${h} and ${w}), got ${patch}`
    throw new SpecError([{ path: '$.architecture.patch', message }])
  }
  const layers: Layer[] = [
    {
      ...{ kind: 'conv2d', name: 'conv_1', filters: width, size: patch, stride: patch },
      ...{ padding: 'valid', bias: true },
    },
    { kind: 'image_to_sequence' },
  ]
  return { length: (h * w) / patch ** 2, layers }
}

/** Patches, learned positions, blocks as a transformer's, the mean over all places, a norm, dense to classes. */
export function vit(options: Options<'vit'>, { shape, classes }: DataShape): Layer[] {
  const { patch, width, depth, norm, dropout } = options
  return [
    ...patches(patch, width, shape).layers,
    { kind: 'positional', name: 'positional_1', encoding: 'learned' },
    ...(dropout > 0 ? [{ kind: 'dropout', name: 'dropout_1', rate: dropout } as const] : []),
    ...encoder(depth, { ...options, causal: false }),
    { kind: 'mean_over_tokens' },
    ...(norm === 'pre' ? [normalization(options, 'ln_1')] : []),
    { kind: 'dense', name: 'fc_1', units: classes },
  ]
}

/** Patches; blocks that mix places, then channels, each by two dense layers added to their input; the mean, dense to classes. */
export function mixer(options: Options<'mlp-mixer'>, { shape, classes }: DataShape): Layer[] {
  const { patch, width, depth, tokenUnits, channelUnits, epsilon } = options
  const { length, layers } = patches(patch, width, shape)
  const mlp = (prefix: string, index: number, hidden: number, units: number): Layer[] => [
    { kind: 'dense', name: `${prefix}fc_${index}`, units: hidden },
    { kind: 'gelu' },
    { kind: 'dense', name: `${prefix}fc_${index + 1}`, units },
  ]
  const block = (prefix: string): Layer[] => [
    {
      kind: 'residual',
      main: [
        { kind: 'layer_norm', name: `${prefix}ln_1`, epsilon },
        { kind: 'transpose' },
        ...mlp(prefix, 1, tokenUnits, length),
        { kind: 'transpose' },
      ],
      shortcut: [],
    },
    {
      kind: 'residual',
      main: [{ kind: 'layer_norm', name: `${prefix}ln_2`, epsilon }, ...mlp(prefix, 3, channelUnits, width)],
      shortcut: [],
    },
  ]
  return [
    ...layers,
    ...Array.from({ length: depth }, (_, i) => block(`block${i + 1}/`)).flat(),
    { kind: 'layer_norm', name: 'ln_1', epsilon },
    { kind: 'mean_over_tokens' },
    { kind: 'dense', name: 'fc_1', units: classes },
  ]
}
