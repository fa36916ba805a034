/** The catalogue: what each architecture of a spec is made of. */
import type { ResolvedArchitecture } from '../spec/schema.ts'
import type { Layer } from './layers.ts'

type Builders = {
  [Name in ResolvedArchitecture['name']]: (
    architecture: Extract<ResolvedArchitecture, { name: Name }>,
    classes: number,
  ) => Layer[]
}

const builders: Builders = {
  fc: ({ hidden }, classes) => [
    { kind: 'flatten' },
    ...hidden.flatMap((units, i): Layer[] => [
      { kind: 'dense', name: `fc_${i + 1}`, units },
      { kind: 'relu' },
    ]),
    { kind: 'dense', name: `fc_${hidden.length + 1}`, units: classes },
  ],
}

/** The layers of an architecture that tells `classes` apart, first to last; the last one's output are the logits. */
export function layersOf(architecture: ResolvedArchitecture, classes: number): Layer[] {
  return (builders[architecture.name] as (architecture: ResolvedArchitecture, classes: number) => Layer[])(
    architecture,
    classes,
  )
}
