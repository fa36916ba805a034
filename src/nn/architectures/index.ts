/** The catalogue: what each architecture of a spec is made of. */
import type { DataShape } from '../../spec/facts.ts'
import type { ResolvedArchitecture } from '../../spec/schema.ts'
import type { Layer } from '../layers.ts'
import { allCnn, lenet, vgg } from './convolutional.ts'
import { custom } from './custom.ts'
import { fc } from './fc.ts'
import { mobilenet } from './mobilenet.ts'
import { mixer, vit } from './patches.ts'
import { resnet } from './resnet.ts'
import { transformer } from './transformer.ts'
import { wideResnet } from './wide-resnet.ts'

type Builders = {
  [Name in ResolvedArchitecture['name']]: (
    architecture: Extract<ResolvedArchitecture, { name: Name }>,
    data: DataShape,
  ) => Layer[]
}

const builders: Builders = {
  fc,
  lenet,
  'all-cnn': allCnn,
  resnet,
  vgg,
  custom,
  transformer,
  vit,
  'mlp-mixer': mixer,
  'wide-resnet': wideResnet,
  mobilenet,
}

/** The layers of an architecture for such data, first to last; the last one's output are the logits. */
export function layersOf(architecture: ResolvedArchitecture, data: DataShape): Layer[] {
  return (builders[architecture.name] as (architecture: ResolvedArchitecture, data: DataShape) => Layer[])(
    architecture,
    data,
  )
}
