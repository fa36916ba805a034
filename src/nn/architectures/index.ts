/** The catalogue: what each architecture of a spec is made of. */
import type { ResolvedArchitecture } from '../../spec/schema.ts'
import type { Layer } from '../layers.ts'
import { allCnn, lenet, vgg } from './convolutional.ts'
import { custom } from './custom.ts'
import { fc } from './fc.ts'
import { resnet } from './resnet.ts'

type Builders = {
  [Name in ResolvedArchitecture['name']]: (
    architecture: Extract<ResolvedArchitecture, { name: Name }>,
    classes: number,
  ) => Layer[]
}

const builders: Builders = { fc, lenet, 'all-cnn': allCnn, resnet, vgg, custom }

/** The layers of an architecture that tells `classes` apart, first to last; the last one's output are the logits. */
export function layersOf(architecture: ResolvedArchitecture, classes: number): Layer[] {
  return (builders[architecture.name] as (architecture: ResolvedArchitecture, classes: number) => Layer[])(
    architecture,
    classes,
  )
}
