/** The names of an experiment's objects. */
import type { SplitName } from '../src/spec/schema.ts'

type Range = { from: number; to: number }

export const weightsName = ({ from, to }: Range) => `weights/${from}-${to}.npy`
export const allocationsName = (split: SplitName, { from, to }: Range) =>
  `allocations/${split}/${from}-${to}.npy`
/** The optimizer's state before iteration `to`, float64 [slots, parameters]: from here training goes on. Not kept. */
export const stateName = (to: number) => `state/${to}.npy`
/** Written whatever the spec keeps: a sum per unit is an aggregate. */
export const neuronsName = (split: SplitName, { from, to }: Range) => `neurons/${split}/${from}-${to}.npy`
export const manifestName = 'manifest.json'
