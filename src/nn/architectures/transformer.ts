/** Transformers over tokens (Vaswani et al. 2017; with the norm first as Xiong et al. 2020 have it). */
import { SpecError } from '../../spec/errors.ts'
import type { DataShape } from '../../spec/facts.ts'
import type { ResolvedArchitecture } from '../../spec/schema.ts'
import type { Layer } from '../layers.ts'

type Options = Extract<ResolvedArchitecture, { name: 'transformer' }>

/** Embedding, positions, blocks, and at the places that have labels a number for each class. */
export function transformer(options: Options, { targets, shape, classes }: DataShape): Layer[] {
  const { width, depth, positions, norm, pool, tied, dropout } = options
  const labelled: Layer[] =
    targets === undefined
      ? [{ kind: pool === 'mean' ? 'mean_over_tokens' : 'last_token' }]
      : targets < shape[0]
        ? [{ kind: 'last_tokens', count: targets }]
        : []
  return [
    { kind: 'embedding', name: 'embedding_1', features: width },
    ...(positions === 'none'
      ? []
      : [{ kind: 'positional', name: 'positional_1', encoding: positions } as const]),
    ...(dropout > 0 ? [{ kind: 'dropout', name: 'dropout_1', rate: dropout } as const] : []),
    ...encoder(depth, options),
    ...labelled,
    ...(norm === 'pre' ? [normalization(options, 'ln_1')] : []),
    tied ? { kind: 'unembedding' } : { kind: 'dense', name: 'fc_1', units: classes },
  ]
}

export type BlockOptions = Pick<
  Options,
  | 'width'
  | 'heads'
  | 'mlpRatio'
  | 'norm'
  | 'normalization'
  | 'epsilon'
  | 'causal'
  | 'activation'
  | 'dropout'
  | 'bias'
>

/** Blocks of attention and of two dense layers, each added to its input: [length, width] → [length, width]. */
export function encoder(depth: number, options: BlockOptions): Layer[] {
  const { width, heads, mlpRatio, norm, causal, activation, dropout, bias } = options
  if (width % heads !== 0) {
    const message = `must divide width (${width}), got ${heads}`
    throw new SpecError([{ path: '$.architecture.heads', message }])
  }
  const added = (prefix: string, index: number, layers: Layer[]): Layer[] => {
    const own = normalization(options, `${prefix}ln_${index}`)
    const dropped: Layer[] =
      dropout > 0 ? [{ kind: 'dropout', name: `${prefix}dropout_${index}`, rate: dropout }] : []
    const main = [...(norm === 'pre' ? [own] : []), ...layers, ...dropped]
    const sum: Layer = { kind: 'residual', main, shortcut: [] }
    return norm === 'post' ? [sum, own] : [sum]
  }
  return Array.from({ length: depth }, (_, block) => {
    const prefix = `block${block + 1}/`
    return [
      ...added(prefix, 1, [
        {
          kind: 'multi_head_attention',
          name: `${prefix}attention_1`,
          ...{ heads, headSize: width / heads, causal, bias },
        },
      ]),
      ...added(prefix, 2, [
        { kind: 'dense', name: `${prefix}fc_1`, units: Math.max(1, Math.round(mlpRatio * width)) },
        { kind: activation },
        { kind: 'dense', name: `${prefix}fc_2`, units: width },
      ]),
    ]
  }).flat()
}

/** layer_norm `ln_…`, or rms_norm by the same number. */
export const normalization = (
  { normalization, epsilon }: Pick<Options, 'normalization' | 'epsilon'>,
  name: string,
): Layer =>
  normalization === 'rms'
    ? { kind: 'rms_norm', name: name.replace('ln_', 'rms_'), epsilon }
    : { kind: 'layer_norm', name, epsilon }
