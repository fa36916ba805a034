/** What the compute child keeps between tasks: the model and the data of the experiment it last worked on. */
import type { Config } from '../src/config.ts'
import type { DownloadProgress } from '../src/data/download.ts'
import type { Splits } from '../src/data/examples.ts'
import { normalized } from '../src/data/normalization.ts'
import { loadSplits } from '../src/data/registry.ts'
import { drawSample } from '../src/data/select.ts'
import { loadStored } from '../src/data/uploads/stored.ts'
import type { Engine } from '../src/engine/engine.ts'
import {
  type DeviceSplit,
  disposeBatch,
  disposeModel,
  type Model,
  makeModel,
  uploadSplit,
} from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import type { Objects } from '../src/objects/objects.ts'
import { isSample, sampleOf } from '../src/spec/sample.ts'
import type { ResolvedSpec, SplitName } from '../src/spec/schema.ts'
import { fetchUpload } from './fetched.ts'
import type { Task } from './protocol.ts'

/** What of a task says which data it is on. */
type OnData = Pick<Task, 'spec' | 'upload'>

export type Context = {
  objects: Objects
  /** The network of a spec on the engine, and its data in host memory. */
  prepare(task: OnData, signal: AbortSignal): Promise<{ model: Model; data: Splits }>
  /** The splits that the spec allocates, in chunks on the device. */
  upload(task: OnData, signal: AbortSignal): Promise<Partial<Record<SplitName, DeviceSplit>>>
}

/** The examples of a split that are allocated, where not all of them are: the same for every worker and segment. */
function sampleFor(spec: ResolvedSpec, split: SplitName, { train }: Splits): Uint32Array | undefined {
  const sample = sampleOf(spec, split)
  if (!isSample(sample)) return undefined
  const key = [spec.dataset.seed, spec.training.seed, split]
  const { batchNorm } = buildNetwork(spec.architecture, train)
  return drawSample(sample, key, batchNorm ? spec.allocation.chunkSize : 1)
}

/** `onDownload` hears of what is fetched from public homes. */
export function makeContext(
  config: Pick<Config, 'datasetsDir'>,
  engine: Engine,
  objects: Objects,
  onDownload?: (progress: DownloadProgress) => void,
): Context {
  let data: { key: string; splits: Splits } | undefined
  let prepared: { key: string; model: Model } | undefined
  let device: { key: string; splits: Partial<Record<SplitName, DeviceSplit>> } | undefined

  const directory = config.datasetsDir
  const read = async ({ spec: { dataset }, upload }: OnData, signal: AbortSignal) =>
    upload === undefined
      ? loadSplits(dataset, { directory, signal, onDownload })
      : loadStored(upload, await fetchUpload(objects, directory, upload, signal), dataset, signal)
  const load = async (task: OnData, signal: AbortSignal) => {
    // With the digest of an uploaded one in it.
    const key = JSON.stringify(task.spec.dataset)
    if (data?.key !== key) {
      data = undefined
      data = { key, splits: normalized(await read(task, signal), task.spec.dataset.normalization) }
    }
    return data.splits
  }

  return {
    objects,
    async prepare(task, signal) {
      const { spec } = task
      const splits = await load(task, signal)
      // Of the data a model has the shape, and its graphs the size of their chunks.
      const key = JSON.stringify([spec.dataset, spec.architecture, spec.loss, spec.allocation.chunkSize])
      if (prepared?.key !== key) {
        if (prepared) disposeModel(prepared.model)
        const network = buildNetwork(spec.architecture, splits.train)
        prepared = { key, model: makeModel(network, engine.kernels, spec.loss) }
      }
      return { model: prepared.model, data: splits }
    },
    async upload(task, signal) {
      const { spec } = task
      const { splits, chunkSize, examples } = spec.allocation
      const sampledBy = examples === undefined ? [] : [examples, spec.training.seed, spec.architecture]
      const key = JSON.stringify([spec.dataset, splits, chunkSize, ...sampledBy])
      if (device?.key !== key) {
        for (const split of Object.values(device?.splits ?? {})) split.chunks.forEach(disposeBatch)
        device = undefined
        const loaded = await load(task, signal)
        device = {
          key,
          splits: Object.fromEntries(
            splits.map(split => [
              split,
              uploadSplit(loaded[split], chunkSize, sampleFor(spec, split, loaded)),
            ]),
          ),
        }
      }
      return device.splits
    },
  }
}
