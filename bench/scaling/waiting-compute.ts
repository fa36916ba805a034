/** A compute child's stand-in for measuring everything around it: it waits as long as computing would take. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SegmentColumns } from '../../src/lca/columns.ts'
import { allocationsName, neuronsName, weightsName } from '../../src/objects/names.ts'
import { type Objects, objectKey } from '../../src/objects/objects.ts'
import type { VariableFacts } from '../../src/spec/facts.ts'
import type { SplitName } from '../../src/spec/schema.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import { fakeColumns, fakeEvaluations } from '../../test/support/fake-ledger.ts'
import { type Compute, TaskError } from '../../workers/child.ts'
import type { Result, StoredObject, Task } from '../../workers/protocol.ts'

export type Waits = {
  /** Seconds that a segment takes, and a training. */
  segment: number
  training: number
  /** Variables of the network: a segment's tables have as many columns an iteration. */
  variables: number
}

/** Of every layer. */
const units = 50

/** Writes real, tiny objects, tells its progress every iteration, and returns tables of the size that real ones have. */
export function waitingCompute(objects: Objects, waits: Waits): Compute {
  const variables: VariableFacts[] = Array.from({ length: waits.variables }, (_, i) => ({
    ...{ name: `fc_${1 + (i >> 1)}/${i % 2 === 0 ? 'kernel' : 'bias'}`, layer: `fc_${1 + (i >> 1)}` },
    ...{ shape: [units], offset: units * i, size: units },
  }))
  // The numbers do not matter, and making them up is not to be measured.
  const made = new Map<string, SegmentColumns[]>()
  const columns = (splits: SplitName[], length: number) => {
    const key = `${splits} ${length}`
    const known = made.get(key) ?? [
      ...fakeColumns(splits, 0, length, variables.length),
      ...splits.map(neurons),
    ]
    made.set(key, known)
    return known
  }
  const neurons = (split: SplitName): SegmentColumns => {
    const sums = () => new Float64Array(units * Math.ceil(variables.length / 2)).fill(1 / 16)
    return {
      kind: 'neurons',
      split,
      of: 'segment',
      columns: { lca: sums(), helping: sums(), hurting: sums() },
    }
  }
  const put = async (id: string, name: string): Promise<StoredObject> => {
    const writer = await objects.write(objectKey(id, name), 'application/x-npy')
    await writer.append(new TextEncoder().encode(name))
    const { bytes, sha256, contentType } = await writer.commit()
    return { name, bytes, sha256, contentType }
  }
  const perform = async (task: Task): Promise<Result> => {
    const { experimentId: id, spec } = task
    const { splits } = spec.allocation
    const stored: StoredObject[] = []
    if (task.kind === 'train') {
      for (const segment of segmentsOf(spec).filter(({ index }) => task.segments.includes(index)))
        stored.push(await put(id, weightsName(segment)))
      return { kind: 'train', variables, objects: stored, seconds: waits.training }
    }
    const kept = spec.keep.includes('allocations') ? splits : []
    for (const split of kept) stored.push(await put(id, allocationsName(split, task)))
    for (const split of splits) stored.push(await put(id, neuronsName(split, task)))
    const length = task.to - task.from
    return {
      ...{ kind: 'allocate', objects: stored, columns: columns(splits, length) },
      evaluations: fakeEvaluations(spec, task.from, task.to),
      ...{ seconds: waits.segment, gradients: 4 * length, examples: 100 },
    }
  }
  return {
    ready: async () => ({ name: 'wasm', version: 'waits', threads: 1, device: 'none' }),
    async run(given, onProgress, signal) {
      const task: Task = given
      const [seconds, steps] =
        task.kind === 'allocate'
          ? [waits.segment, task.to - task.from]
          : [waits.training, task.spec.training.iterations]
      try {
        const end = Date.now() + 1000 * seconds
        // Not a timer for every iteration of a training of thousands.
        const told = Math.min(steps, Math.ceil(20 * seconds))
        for (let step = 1; step <= told; step++) {
          const next = end - 1000 * seconds * (1 - step / told)
          await sleep(Math.max(0, next - Date.now()), undefined, { signal })
          onProgress(Math.round((steps * step) / told))
        }
      } catch {
        throw new TaskError({ kind: 'aborted', message: 'the task was aborted' })
      }
      // What a task returns has the task's kind.
      return (await perform(task)) as never
    },
    async close() {},
  }
}
