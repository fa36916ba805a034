/** Numbers and tokens out of files as they arrive: what images, features, sequences and targets are where they are no bytes. */
import { DatasetError } from '../errors.ts'
import { arrange, arrangementOf, type Layout } from './arrangement.ts'
import {
  type Append,
  ambiguous,
  checkSize,
  copy,
  type Images,
  isAmbiguous,
  type Labels,
  type Reserve,
} from './examples.ts'
import { type Header, readHeader } from './header.ts'
import type { ByteSource } from './source.ts'

/** An embedding of more rows, or outputs of more classes, is no small network's. */
const mostTokens = 65_536
/** Numbers of a target: more are no small width. */
const mostTargets = 4096

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)

/**
 * The examples of an IDX or .npy file as float32: features [n, f], images [n, height, width] or with channels (where `layout`
 * says), with layout sequence [n, length, features]. float64 and integers are rounded to float32. Throws DatasetError where a
 * value is not finite, or is not any more as float32, with its place.
 */
export async function readNumbers(
  source: ByteSource,
  most: number,
  layout: Layout | undefined,
  to: { append: Append; reserve: Reserve },
): Promise<Images> {
  const { name } = source
  const header = await readHeader(source)
  const { shape, format } = header
  if (header.values === undefined) throw noNumbers(header, name, 'examples that are numbers')
  if (layout === 'sequence' ? shape.length !== 3 : shape.length < 2 || shape.length > 4)
    throw new DatasetError(
      `${name}: expected ${layout === 'sequence' ? 'sequences of shape (n, length, features)' : 'features of shape (n, features) or images of (n, height, width) or (n, height, width, channels)'}, found (${shape.join(', ')})${layout === undefined && shape.length > 4 ? ': reshape them to one of these' : ''}`,
    )
  inC(header, name)
  checkSize(header, name, most, 'examples', 4)
  if (layout === undefined && isAmbiguous(shape)) throw ambiguous(shape, name)
  await to.reserve(4 * product(shape))
  const flat = shape.length === 2 || layout === 'sequence'
  const own = flat ? shape.slice(1) : arrangementOf(shape, false, layout ?? 'nhwc').shape
  const sink = flat
    ? { append: to.append, end: async () => {} }
    : arrange({ ...arrangementOf(shape, false, layout ?? 'nhwc'), bytes: 4 }, name, to.append, refuseScratch)
  await eachValue(source, header, async (values, at) => {
    await sink.append(asFloats(values, at, shape, name))
  })
  await sink.end()
  return { format, count: shape[0], shape: own, ...narrowed(header) }
}

/** The targets of an IDX or .npy file as float32, [n] or [n, width]; `classes` of what is returned is the width. */
export async function readTargets(
  source: ByteSource,
  most: number,
  to: { append: Append; reserve: Reserve },
): Promise<Labels> {
  const { name } = source
  const header = await readHeader(source)
  const { shape, format } = header
  if (header.values === undefined) throw noNumbers(header, name, 'targets that are numbers')
  if (shape.length !== 1 && shape.length !== 2)
    throw new DatasetError(
      `${name}: expected targets of shape (n) or (n, width), found (${shape.join(', ')})`,
    )
  const width = shape[1] ?? 1
  if (width > mostTargets)
    throw new DatasetError(`${name}: expected at most ${mostTargets} numbers an example, found ${width}`)
  inC(header, name)
  checkSize(header, name, most, 'targets', 4)
  await to.reserve(4 * product(shape))
  await eachValue(source, header, async (values, at) => {
    await to.append(asFloats(values, at, shape, name))
  })
  return { format, count: shape[0], first: new Map(), width, ...narrowed(header) }
}

/**
 * Tokens of an IDX or .npy file of integers: examples [n, length], or labels [n] or [n, places]. `first` says where each
 * value is first.
 */
export async function readTokens(
  source: ByteSource,
  most: number,
  what: 'tokens' | 'labels',
  to: { append: Append; reserve: Reserve },
): Promise<{ format: Labels['format']; shape: number[]; first: Map<number, number> }> {
  const { name } = source
  const header = await readHeader(source)
  const { shape, format, values } = header
  if (values?.kind !== 'integer') throw noNumbers(header, name, `${what} that are integers`)
  if (what === 'tokens' ? shape.length !== 2 : shape.length !== 1 && shape.length !== 2)
    throw new DatasetError(
      `${name}: expected ${what === 'tokens' ? 'tokens of shape (n, length)' : 'labels of shape (n), or (n, places) for the last places of each example'}, found (${shape.join(', ')})`,
    )
  inC(header, name)
  checkSize(header, name, most, what, 2)
  await to.reserve(2 * product(shape))
  const first = new Map<number, number>()
  await eachValue(source, header, async (numbers, at) => {
    const wrong = numbers.findIndex(value => !(value >= 0 && value < mostTokens))
    if (wrong >= 0)
      throw new DatasetError(
        `${name}: expected ${what} from 0 to ${mostTokens - 1}, found ${numbers[wrong]} at ${placeOf(at + wrong, shape)}`,
      )
    numbers.forEach((value, i) => {
      if (!first.has(value)) first.set(value, at + i)
    })
    const bytes = Buffer.alloc(2 * numbers.length)
    for (const [i, value] of numbers.entries()) bytes.writeUInt16LE(value, 2 * i)
    await to.append(bytes)
  })
  return { format, shape, first }
}

/** Float32, little-endian. */
function asFloats(values: number[], at: number, shape: number[], name: string): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => {
    const rounded = Math.fround(value)
    if (!Number.isFinite(rounded))
      throw new DatasetError(
        `${name}: expected finite numbers${Number.isFinite(value) ? ' that float32 has' : ''}, found ${value} at ${placeOf(at + i, shape)}`,
      )
    bytes.writeFloatLE(rounded, 4 * i)
  })
  return bytes
}

/** Where in an array a value is: [3, 0, 2]. */
function placeOf(index: number, shape: number[]): string {
  const place: number[] = []
  for (const size of [...shape].reverse()) {
    place.unshift(index % size)
    index = Math.floor(index / size)
  }
  return `[${place.join(', ')}]`
}

const narrowed = ({ values }: Header) =>
  values?.kind === 'float' && values.bytes === 8 ? { narrowed: true } : {}

function inC({ fortran, shape }: Header, name: string): void {
  if (fortran && shape.filter(size => size > 1).length > 1)
    throw new DatasetError(
      `${name}: expected numbers in C order, found them in Fortran’s: np.save("…", np.ascontiguousarray(…))`,
    )
}

const noNumbers = ({ type }: Header, name: string, wanted: string) =>
  new DatasetError(`${name}: expected ${wanted}, found ${type}`)

const refuseScratch = () => Promise.reject(new Error('numbers in C order need no second pass'))

/** Shows every value that a header announces, some at a time, with the index of their first. */
async function eachValue(
  source: ByteSource,
  { shape, values }: Header,
  see: (numbers: number[], at: number) => Promise<void>,
): Promise<void> {
  const { bytes: width, read } = values!
  let rest: Buffer = Buffer.alloc(0)
  let at = 0
  await copy(source, product(shape) * width, async piece => {
    const bytes = Buffer.concat([rest, piece])
    const whole = Math.floor(bytes.length / width)
    const numbers = Array.from({ length: whole }, (_, i) => read(bytes, i * width))
    rest = bytes.subarray(whole * width)
    await see(numbers, at)
    at += whole
  })
}
