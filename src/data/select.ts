/** Which examples of a dataset's files make up the splits. */
import { permutation, randomStream } from '../nn/random.ts'

/** Examples of one file: which, and in what order. */
export type Selection = { file: 'train' | 'test'; indices: Uint32Array }

/**
 * Picks the splits from files of `trainFile` and `testFile` examples; a pure function of its arguments.
 *
 * The training examples come first in an order of the training file: the file's own where the splits use all of it,
 * else a permutation drawn from `seed`. The validation examples are the next ones where enough are left, else they come
 * from the test file, by the same rule. Throws a RangeError where the files have too few; a resolved spec never asks it.
 */
export function selectExamples(
  counts: { train: number; validation: number },
  files: { trainFile: number; testFile: number },
  seed: number,
): { train: Selection; validation: Selection } {
  const { train, validation } = counts
  const together = train + validation <= files.trainFile
  if (train > files.trainFile || (!together && validation > files.testFile)) {
    throw new RangeError(
      `${train} + ${validation} examples cannot come from files of ${files.trainFile} and ${files.testFile}`,
    )
  }
  const trainOrder = order('train', files.trainFile, together ? train + validation : train, seed)
  const testOrder = together ? null : order('test', files.testFile, validation, seed)
  return {
    train: { file: 'train', indices: trainOrder.subarray(0, train) },
    validation: testOrder
      ? { file: 'test', indices: testOrder }
      : { file: 'train', indices: trainOrder.subarray(train) },
  }
}

/**
 * Which examples of a split of `of` are allocated where a sample is; a pure function of its arguments, `key` the seeds and
 * whatever else it is to differ by. They come in the order in which they are drawn, so that parts of them are random samples
 * too. With `chunk` whole chunks of the split are drawn, of that many consecutive examples each, which divide both counts.
 */
export function drawSample(
  { examples, of }: { examples: number; of: number },
  key: (string | number)[],
  chunk = 1,
): Uint32Array {
  const drawn = permutation(of / chunk, randomStream('sample', ...key)).subarray(0, examples / chunk)
  return Uint32Array.from({ length: examples }, (_, i) => drawn[Math.floor(i / chunk)] * chunk + (i % chunk))
}

/** The first `used` of a file's `size` examples in the order in which they are taken. */
function order(file: Selection['file'], size: number, used: number, seed: number): Uint32Array {
  if (used === size) return Uint32Array.from({ length: size }, (_, i) => i)
  return permutation(size, randomStream('examples', seed, file)).subarray(0, used)
}

/** The rows of `bytesPerExample` bytes that a selection names, in its order. */
export function gather(bytes: Uint8Array, bytesPerExample: number, indices: Uint32Array): Uint8Array {
  const rows = new Uint8Array(indices.length * bytesPerExample)
  indices.forEach((index, i) => {
    const start = index * bytesPerExample
    rows.set(bytes.subarray(start, start + bytesPerExample), i * bytesPerExample)
  })
  return rows
}
