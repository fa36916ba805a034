/** Images and labels out of files as they arrive, checked value by value, and passed on as bytes. */
import { shape as cifarShape, parseCifar, record } from '../cifar.ts'
import { DatasetError, TooLargeError } from '../errors.ts'
import { type Header, readHeader } from './header.ts'
import type { ByteSource } from './source.ts'

export const formats = ['idx', 'cifar', 'npy'] as const
export type Format = (typeof formats)[number]

/** Takes the bytes that are to be stored. */
export type Append = (bytes: Uint8Array) => Promise<void>
/** Takes note of how many bytes are going to be stored, as soon as that is known; rejects where there is no room. */
export type Reserve = (bytes: number) => Promise<void>

export type Images = {
  format: Format
  count: number
  /** Of one: height, width, channels. */
  shape: number[]
}
export type Labels = {
  format: Format
  count: number
  /** Where each label is first. */
  first: Map<number, number>
}

/** Labels are stored as bytes. */
const mostClasses = 256
/** Counts and shapes are stored as 32-bit integers. */
const mostOfADimension = 2 ** 31 - 1
/** Bytes of records taken at a time. */
const recordsAtOnce = 256

/** The images of an IDX or .npy file: bytes [n, height, width] or [n, height, width, channels]. `most`: bytes of them. */
export async function readImages(
  source: ByteSource,
  most: number,
  append: Append,
  reserve: Reserve,
): Promise<Images> {
  const { name } = source
  const header = await readHeader(source)
  const { format, type, shape } = header
  if (type !== '|u1' && format === 'npy')
    throw new DatasetError(
      `${name}: expected images of uint8 (|u1), 0 to 255, found ${type}${/f\d/.test(type) ? ': from 0 … 1, (images * 255).round().astype("uint8")' : ': images.astype("uint8")'}`,
    )
  if (shape.length !== 3 && shape.length !== 4)
    throw new DatasetError(
      `${name}: expected images of shape (n, height, width) or (n, height, width, channels), found (${shape.join(', ')})`,
    )
  const values = sizeOf(header, name)
  if (values > most)
    throw new TooLargeError(`${name}: has ${values} bytes of images, and an upload may have ${most}`)
  await reserve(values)
  await copy(source, values, append)
  const [count, height, width, channels = 1] = shape
  return { format, count, shape: [height, width, channels] }
}

/** The labels of an IDX or .npy file: integers [n] from 0 to 255. `most`: bytes of them. */
export async function readLabels(
  source: ByteSource,
  most: number,
  append: Append,
  reserve: Reserve,
): Promise<Labels> {
  const { name } = source
  const header = await readHeader(source)
  const { format, type, values, shape } = header
  if (values === undefined)
    throw new DatasetError(
      `${name}: expected labels that are integers, found ${type}: labels.astype("int64")`,
    )
  if (shape.length !== 1)
    throw new DatasetError(`${name}: expected labels of shape (n), found (${shape.join(', ')})`)
  const count = sizeOf(header, name)
  if (count * values.bytes > most)
    throw new TooLargeError(
      `${name}: has ${count * values.bytes} bytes of labels, and an upload may have ${most}`,
    )
  await reserve(count)
  const first = new Map<number, number>()
  let index = 0
  let rest = Buffer.alloc(0)
  await copy(source, count * values.bytes, async piece => {
    const bytes = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece])
    const labels = new Uint8Array(Math.floor(bytes.length / values.bytes))
    for (let i = 0; i < labels.length; i++, index++) {
      const label = Number(values.read(bytes, i * values.bytes))
      if (label < 0 || label >= mostClasses)
        throw new DatasetError(
          `${name}: expected labels from 0 to ${mostClasses - 1}, found ${label} at ${index}`,
        )
      labels[i] = label
      if (!first.has(label)) first.set(label, index)
    }
    rest = bytes.subarray(labels.length * values.bytes)
    await append(labels)
  })
  return { format, count, first }
}

/** The records of a CIFAR file. `before`: how many records came from the files before it. */
export async function readCifar(
  source: ByteSource,
  before: number,
  appendImages: Append,
  appendLabels: Append,
  reserve: Reserve,
): Promise<{ images: Images; labels: Labels }> {
  const { name } = source
  const first = new Map<number, number>()
  let count = 0
  for (;;) {
    const at = source.offset()
    const bytes = await source.take(recordsAtOnce * record)
    if (bytes.length === 0) break
    const over = bytes.length % record
    if (over > 0)
      throw new DatasetError(
        `${name}: expected records of ${record} bytes (a label, then 3 × 32 × 32 values), found ${over} bytes after record ${count + (bytes.length - over) / record}, at byte ${at + bytes.length - over}: the file is cut short or is not CIFAR-10’s`,
      )
    const { images, labels } = parseCifar(bytes, name, count)
    labels.forEach((label, i) => {
      if (!first.has(label)) first.set(label, before + count + i)
    })
    count += labels.length
    await reserve(images.length + labels.length)
    await appendImages(images)
    await appendLabels(labels)
  }
  if (count === 0) throw new DatasetError(`${name}: expected records of ${record} bytes, found no bytes`)
  return {
    images: { format: 'cifar', count, shape: cifarShape },
    labels: { format: 'cifar', count, first },
  }
}

/** How many values a header announces. */
function sizeOf({ shape }: Header, name: string): number {
  if (shape.some(size => size < 1))
    throw new DatasetError(`${name}: expected at least one example, found (${shape.join(', ')})`)
  if (shape.some(size => size > mostOfADimension))
    throw new DatasetError(
      `${name}: expected dimensions of at most ${mostOfADimension}, found (${shape.join(', ')})`,
    )
  return shape.reduce((a, b) => a * b, 1)
}

/** Passes on exactly the next `count` bytes, after which the file must end. */
async function copy(source: ByteSource, count: number, append: Append): Promise<void> {
  const start = source.offset()
  for (let left = count; left > 0; ) {
    const piece = await source.some(left)
    if (piece.length === 0)
      throw new DatasetError(
        `${source.name}: expected ${count} bytes of values after a header of ${start}, found ${count - left}: the file is cut short at byte ${source.offset()}`,
      )
    left -= piece.length
    await append(piece)
  }
  if ((await source.peek(1)).length > 0)
    throw new DatasetError(
      `${source.name}: expected the end of the file after ${count} bytes of values, found more at byte ${source.offset()}`,
    )
}
