/** The splits of an uploaded dataset, out of local copies of what is stored of it. */
import { open } from 'node:fs/promises'
import type { ResolvedSpec } from '../../spec/schema.ts'
import type { Examples, Splits } from '../examples.ts'
import { type Selection, selectExamples } from '../select.ts'
import { type About, targetBytes, type ValueKind, valueBytes } from './about.ts'

/** What is stored: the values of examples and their targets, one after the other (about.ts says of which type); nothing else. */
export const storedNames = ['train-images', 'train-labels', 'test-images', 'test-labels'] as const
export type StoredName = (typeof storedNames)[number]

export type StoredDataset = {
  shape: number[]
  classes: number
  trainExamples: number
  testExamples: number
  about: About | null
}

/** Bytes read at a time where examples follow each other. */
const atOnce = 2 ** 26

/** Reads the examples that a resolved spec asks for, and no others. `paths`: where what is stored lies. */
export async function loadStored(
  { shape, classes, trainExamples, testExamples, about }: StoredDataset,
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
    ...(about?.vocabulary !== undefined && { vocabulary: about.vocabulary }),
    ...(about?.places !== undefined && { targets: about.places }),
    ...(about?.targets === 'numbers' && { regression: true }),
    images: typed(
      await readRows(paths[`${file}-images`]!, size * valueBytes(about), indices, signal),
      about?.values,
    ),
    labels: typed(
      await readRows(paths[`${file}-labels`]!, targetBytes(about, classes), indices, signal),
      about?.targets === 'numbers' ? 'numbers' : about?.values === 'tokens' ? 'tokens' : 'bytes',
    ),
  })
  return { train: await pick(selected.train), validation: await pick(selected.validation) }
}

/** Bytes as what they are. As they lie in memory on every machine that this runs on: least first. */
export const typed = (bytes: Uint8Array, kind: ValueKind = 'bytes') =>
  kind === 'bytes'
    ? bytes
    : kind === 'numbers'
      ? new Float32Array(bytes.buffer, 0, bytes.length / 4)
      : new Uint16Array(bytes.buffer, 0, bytes.length / 2)

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
