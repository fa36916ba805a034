/**
 * CIFAR-10 in its binary version (Krizhevsky 2009): files of records of 3,073 bytes, a label and then 32×32 values of
 * each of red, green and blue, row by row.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { DatasetFacts } from '../spec/facts.ts'
import type { ResolvedSpec } from '../spec/schema.ts'
import { DatasetError } from './errors.ts'
import type { Examples, LoadOptions, Splits } from './examples.ts'
import { gather, type Selection, selectExamples } from './select.ts'

const side = 32
const channels = 3
export const classes = 10
/** Of one example. */
export const shape = [side, side, channels]
const size = side * side * channels
/** Bytes of an example in a file. */
const record = 1 + size

/** How the examples of a binary file are recorded: `labelBytes`, of which the label is number `labelAt`, then the values. */
export type CifarRecords = { name: string; labelBytes: number; labelAt: number; classes: number }
export const cifar10Records: CifarRecords = { name: 'CIFAR-10', labelBytes: 1, labelAt: 0, classes }
/** CIFAR-100's, which have both labels of an image: of 20 superclasses, and of 100 classes. */
export const cifar100Records = {
  coarse: { name: 'CIFAR-100', labelBytes: 2, labelAt: 0, classes: 20 },
  fine: { name: 'CIFAR-100', labelBytes: 2, labelAt: 1, classes: 100 },
} satisfies Record<string, CifarRecords>
/** Bytes of an example. */
export const recordBytes = ({ labelBytes }: CifarRecords): number => labelBytes + size
/** Records of a whole file. */
const perFile = 10_000
const trainFiles = [1, 2, 3, 4, 5].map(i => `data_batch_${i}.bin`)
const testFiles = ['test_batch.bin']
const home = 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'
const unzip = promisify(gunzip)

const whole: DatasetFacts = {
  name: 'cifar-10',
  description:
    'Small colour photographs (Krizhevsky 2009). Any of its files will do. Which examples a seed picks depends on the files, so all workers need the same ones.',
  shape: [side, side, channels],
  classes,
  trainFile: trainFiles.length * perFile,
  testFile: perFile,
  defaults: { trainExamples: 45_000, validationExamples: 5_000 },
}

/**
 * What is known of CIFAR-10: of the files that are in DATASETS_DIR/cifar-10, by their sizes. Where there are none (they
 * may be on the workers' machines alone) or no directory is given, of the whole.
 */
export function cifar10Facts(directory?: string): DatasetFacts {
  if (directory === undefined) return whole
  const count = (names: string[]) =>
    names.reduce((sum, name) => sum + recordsIn(join(directory, whole.name, name)), 0)
  const [trainFile, testFile] = [count(trainFiles), count(testFiles)]
  if (trainFile === 0) return whole
  // The whole's proportions, 9 to 1.
  const validationExamples = Math.floor(trainFile / 10)
  return {
    ...whole,
    trainFile,
    testFile,
    defaults: { trainExamples: trainFile - validationExamples, validationExamples },
    more: `put more of ${[...trainFiles, ...testFiles].join(', ')}, gzipped or not, into DATASETS_DIR/${whole.name}; they are in ${home}`,
  }
}

/** Records in `path` or else in `path`.gz, whose last four bytes are the length of its contents (RFC 1952); 0 in neither. */
function recordsIn(path: string): number {
  const bytesOf = (file: number, size: number, zipped: boolean) => {
    if (!zipped) return size
    const trailer = Buffer.alloc(4)
    return readSync(file, trailer, 0, 4, size - 4) === 4 ? trailer.readUInt32LE() : 0
  }
  for (const [candidate, zipped] of [
    [path, false],
    [`${path}.gz`, true],
  ] as const) {
    if (!existsSync(candidate)) continue
    const file = openSync(candidate, 'r')
    try {
      return Math.floor(bytesOf(file, Math.max(4, fstatSync(file).size), zipped) / record)
    } finally {
      closeSync(file)
    }
  }
  return 0
}

type Records = { images: Uint8Array; labels: Uint8Array }

/**
 * Records as labels and images, channels last. Throws DatasetError, which names the file, where they are none; `before`
 * is how many of the file's came before these.
 */
export function parseCifar(bytes: Uint8Array, name: string, before = 0, records = cifar10Records): Records {
  const { labelBytes, labelAt, classes } = records
  const record = recordBytes(records)
  const count = bytes.length / record
  if (!Number.isInteger(count) || count === 0) {
    throw new DatasetError(
      `${name}: expected records of ${record} bytes, found ${Math.floor(count)} and ${bytes.length % record} bytes more: the file is cut short or is not ${records.name}’s`,
    )
  }
  const images = new Uint8Array(count * size)
  const labels = new Uint8Array(count)
  const places = side * side
  for (let r = 0; r < count; r++) {
    const label = bytes[r * record + labelAt]
    if (label >= classes) {
      throw new DatasetError(
        `${name}: expected labels from 0 to ${classes - 1}, found ${label} at ${before + r}`,
      )
    }
    labels[r] = label
    for (let channel = 0; channel < channels; channel++) {
      const from = r * record + labelBytes + channel * places
      for (let at = 0; at < places; at++) images[r * size + at * channels + channel] = bytes[from + at]
    }
  }
  return { images, labels }
}

/**
 * The splits, out of the files that are in DATASETS_DIR/cifar-10 (any of them, gzipped or not), in the order of their
 * names. Throws DatasetError where they hold fewer examples than asked for, or anything else than records.
 */
export async function loadCifar10(
  dataset: ResolvedSpec['dataset'],
  { directory, signal }: LoadOptions,
): Promise<Splits> {
  const folder = join(directory, whole.name)
  const read = async (names: string[]): Promise<Records> => {
    const parts: Records[] = []
    for (const name of names) {
      signal?.throwIfAborted()
      const part = await readIfThere(join(folder, name))
      if (part) parts.push(part)
    }
    return {
      images: Buffer.concat(parts.map(({ images }) => images)),
      labels: Buffer.concat(parts.map(({ labels }) => labels)),
    }
  }

  const counts = { train: dataset.trainExamples, validation: dataset.validationExamples }
  const train = await read(trainFiles)
  const together = counts.train + counts.validation <= train.labels.length
  const test = together ? null : await read(testFiles)
  const found = { trainFile: train.labels.length, testFile: test?.labels.length ?? 0 }
  if (counts.train > found.trainFile || (!together && counts.validation > found.testFile)) {
    throw new DatasetError(
      `${folder} holds ${found.trainFile} training and ${found.testFile} test examples of ${whole.name}, too few for ` +
        `${counts.train} to train on and ${counts.validation} to validate on. Put more of ${trainFiles.join(', ')} and ` +
        `${testFiles[0]} there, gzipped or not (they are in ${home}), or ask for fewer examples`,
    )
  }
  const selected = selectExamples(counts, found, dataset.seed)
  const pick = ({ file, indices }: Selection): Examples => {
    const { images, labels } = file === 'train' ? train : (test ?? train)
    return {
      count: indices.length,
      shape: [side, side, channels],
      classes,
      images: gather(images, size, indices),
      labels: gather(labels, 1, indices),
    }
  }
  return { train: pick(selected.train), validation: pick(selected.validation) }
}

/** The records of `path` or else of `path`.gz; null where neither is there. */
async function readIfThere(path: string): Promise<Records | null> {
  for (const candidate of [path, `${path}.gz`]) {
    const there = await access(candidate).then(
      () => true,
      () => false,
    )
    if (there) return parseCifar(await contents(candidate), candidate)
  }
  return null
}

/** The bytes of a file, unzipped where its name says so; never more than a whole file of the dataset has. */
async function contents(path: string): Promise<Uint8Array> {
  const most = perFile * record
  const file = await open(path)
  try {
    const { size } = await file.stat()
    if (size > most * 1.01) {
      throw new DatasetError(`${path}: expected at most ${most} bytes (${perFile} records), found ${size}`)
    }
  } finally {
    await file.close()
  }
  const stored = await readFile(path)
  if (!path.endsWith('.gz')) return stored
  try {
    return await unzip(stored, { maxOutputLength: most })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const what =
      code === 'ERR_BUFFER_TOO_LARGE'
        ? `more than the ${perFile} records of a file`
        : `no complete gzip file (${message})`
    throw new DatasetError(`${path}: found ${what}`)
  }
}
