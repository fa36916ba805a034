/** Fully connected networks. */
import type { DataShape } from '../../spec/facts.ts'
import type { Layer } from '../layers.ts'

/** Flatten, dense layers of `hidden` units with ReLU, dense to classes. */
export function fc({ hidden }: { hidden: number[] }, { classes }: DataShape): Layer[] {
  return [
    { kind: 'flatten' },
    ...hidden.flatMap((units, i): Layer[] => [
      { kind: 'dense', name: `fc_${i + 1}`, units },
      { kind: 'relu' },
    ]),
    { kind: 'dense', name: `fc_${hidden.length + 1}`, units: classes },
  ]
}
