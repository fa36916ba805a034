/** What the compute child keeps between tasks: the model and the data of the experiment it last worked on. */
import type { Config } from '../src/config.ts'
import type { Splits } from '../src/data/examples.ts'
import { loadSplits } from '../src/data/registry.ts'
import type { Engine } from '../src/engine/engine.ts'
import { type DeviceSplit, disposeBatch, type Model, makeModel, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import type { ResolvedSpec, SplitName } from '../src/spec/schema.ts'
import type { Objects } from '../src/store/objects.ts'

export type Context = {
  objects: Objects
  /** The network of a spec on the engine, and its data in host memory. */
  prepare(spec: ResolvedSpec, signal: AbortSignal): Promise<{ model: Model; data: Splits }>
  /** The splits that the spec allocates, in chunks on the device. */
  upload(spec: ResolvedSpec, signal: AbortSignal): Promise<Partial<Record<SplitName, DeviceSplit>>>
}

export function makeContext(config: Pick<Config, 'datasetsDir'>, engine: Engine, objects: Objects): Context {
  let data: { key: string; splits: Splits } | undefined
  let device: { key: string; splits: Partial<Record<SplitName, DeviceSplit>> } | undefined

  const load = async ({ dataset }: ResolvedSpec, signal: AbortSignal) => {
    const key = JSON.stringify(dataset)
    if (data?.key !== key) {
      data = undefined
      data = { key, splits: await loadSplits(dataset, { directory: config.datasetsDir, signal }) }
    }
    return data.splits
  }

  return {
    objects,
    async prepare(spec, signal) {
      const splits = await load(spec, signal)
      return { model: makeModel(buildNetwork(spec.architecture, splits.train), engine.kernels), data: splits }
    },
    async upload(spec, signal) {
      const { splits, chunkSize } = spec.allocation
      const key = JSON.stringify([spec.dataset, splits, chunkSize])
      if (device?.key !== key) {
        for (const split of Object.values(device?.splits ?? {})) split.chunks.forEach(disposeBatch)
        device = undefined
        const loaded = await load(spec, signal)
        device = {
          key,
          splits: Object.fromEntries(splits.map(split => [split, uploadSplit(loaded[split], chunkSize)])),
        }
      }
      return device.splits
    },
  }
}
