/** A network as its spec lists it: the same layers in the same places, with names. */
import type { ResolvedCustomLayer, ResolvedCustomLeaf } from '../../spec/schema.ts'
import { attentionStem, depthwiseStem } from '../../spec/units.ts'
import type { Layer } from '../layers.ts'

/** What a layer that needs a name is called: this and the number of its kind so far, here or in its block. */
const stems: Partial<Record<ResolvedCustomLeaf['kind'], string>> = {
  dense: 'fc',
  conv2d: 'conv',
  depthwise_conv2d: depthwiseStem,
  batch_norm: 'bn',
  dropout: 'dropout',
  embedding: 'embedding',
  positional: 'positional',
  layer_norm: 'ln',
  rms_norm: 'rms',
  group_norm: 'gn',
  multi_head_attention: attentionStem,
  conv1d: 'conv1d',
}

export function custom({ layers }: { layers: ResolvedCustomLayer[] }): Layer[] {
  const named = namer('')
  let blocks = 0
  return layers.map((layer): Layer => {
    if ('branches' in layer) {
      const prefix = `block_${++blocks}/`
      return {
        kind: layer.kind,
        branches: layer.branches.map((way, i) => way.map(namer(`${prefix}branch${i + 1}_`))),
      }
    }
    if (layer.kind !== 'residual') return named(layer)
    const prefix = `block_${++blocks}/`
    return {
      kind: 'residual',
      main: layer.layers.map(namer(prefix)),
      shortcut: layer.shortcut.map(namer(`${prefix}shortcut_`)),
    }
  })
}

function namer(prefix: string): (layer: ResolvedCustomLeaf) => Layer {
  const counts: Record<string, number> = {}
  return layer => {
    const stem = stems[layer.kind]
    if (!stem) return layer as Layer
    counts[stem] = (counts[stem] ?? 0) + 1
    return { ...layer, name: `${prefix}${stem}_${counts[stem]}` } as Layer
  }
}
