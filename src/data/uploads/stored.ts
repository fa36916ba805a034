/** The splits of an uploaded dataset, out of local copies of what is stored of it. */
import { open } from 'node:fs/promises'
import type { ResolvedSpec } from '../../spec/schema.ts'
import type { Examples, Splits } from '../examples.ts'
import { type Selection, selectExamples } from '../select.ts'

/** What is stored: bytes of images, height × width × channels each, and a byte a label; nothing else. */
export const storedNames = ['train-images', 'train-labels', 'test-images', 'test-labels'] as const
export type StoredName = (typeof storedNames)[number]

export type StoredDataset = {
  shape: number[]
  classes: number
  trainExamples: number
  testExamples: number
}

/** Bytes read at a time where examples follow each other. */
const atOnce = 2 ** 26

/** Reads the examples that a resolved spec asks for, and no others. `paths`: where what is stored lies. */
export async function loadStored(
  { shape, classes, trainExamples, testExamples }: StoredDataset,
  paths: Partial<Record<StoredName, string>>,
  dataset: ResolvedSpec['dataset'],
  signal?: AbortSignal,
): Promise<Splits> {
  const size = shape.reduce((a, b) => a * b, 1)
  const counts = { train: dataset.trainExamples, validation: dataset.validationExamples }
  const files = { trainFile: trainExamples, testFile: testExamples }
  const selected = selectExamples(counts, files, dataset.seed)
  const pick = async ({ file, indices }: Selection): Promise<Examples> => ({
    ...{ count: indices.length, shape, classes },
    images: await readRows(paths[`${file}-images`]!, size, indices, signal),
    labels: await readRows(paths[`${file}-labels`]!, 1, indices, signal),
  })
  return { train: await pick(selected.train), validation: await pick(selected.validation) }
}

/** The rows of a file that have these indices, in their order. */
async function readRows(
  path: string,
  size: number,
  indices: Uint32Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const rows = new Uint8Array(indices.length * size)
  const file = await open(path)
  try {
    for (let from = 0, to: number; from < indices.length; from = to) {
      signal?.throwIfAborted()
      to = from + 1
      while (to < indices.length && indices[to] === indices[to - 1] + 1 && (to - from) * size < atOnce) to++
      const wanted = (to - from) * size
      const { bytesRead } = await file.read(rows, from * size, wanted, indices[from] * size)
      if (bytesRead !== wanted) throw new Error(`${path} is shorter than it was`)
    }
    return rows
  } finally {
    await file.close()
  }
}
