/** The headers of IDX (yann.lecun.com/exdb/mnist) and .npy files (numpy.lib.format): what kind of values, how many. */
import { DatasetError } from '../errors.ts'
import { foreignFormat, mostOfABeginning } from './foreign.ts'
import type { ByteSource } from './source.ts'
import { idxTypes, numpyType, type ValueType } from './values.ts'

export type Header = {
  format: 'idx' | 'npy'
  /** As the format calls it: |u1, <i8, 32-bit integers. */
  type: string
  /** undefined: none that is read here. */
  values: ValueType | undefined
  shape: number[]
  /** Whether the first axis changes fastest, as Fortran, MATLAB, Julia and R lay their arrays out, not the last. */
  fortran: boolean
}

const npyMagic = '\x93NUMPY'
/** Longer than the header of any array of numbers. */
const mostHeader = 10_000
const mostDimensions = 8

/** Whether a file begins as IDX or .npy does. */
export const beginsWithHeader = (start: Buffer): boolean =>
  start.toString('latin1', 0, 6) === npyMagic ||
  (start[0] === 0 && start[1] === 0 && start[2] >= 8 && start[2] <= 14)

/** Takes the header of a file. Throws DatasetError where it begins like neither format, or is wrong. */
export async function readHeader(source: ByteSource): Promise<Header> {
  // No more than it takes: what a header promises is refused as soon as it is there.
  const magic = await source.peek(6)
  if (magic.length === 0)
    throw new DatasetError(`${source.name}: expected an IDX or .npy file, found no bytes`)
  if (magic.toString('latin1') === npyMagic) return readNpy(source)
  if (beginsWithHeader(magic)) return readIdx(source)
  const start = await source.peek(mostOfABeginning)
  const foreign = foreignFormat(start, source.name)
  if (foreign !== undefined) throw new DatasetError(`${source.name}: is ${foreign}`)
  if (start[0] === 0 && start[1] === 0) return readIdx(source)
  throw new DatasetError(
    `${source.name}: expected an IDX file (bytes 00 00 08 …) or a .npy file (93 4e 55 4d 50 59), gzipped or not, found ${start.toString('hex', 0, 4)} at byte 0 (CIFAR’s binary files are sent as train)`,
  )
}

async function readIdx(source: ByteSource): Promise<Header> {
  const { name } = source
  const start = await source.take(4)
  if (start.length < 4) throw cutShort(source)
  const [, , type, dimensions] = start
  if (!Object.hasOwn(idxTypes, type)) {
    const known = Object.entries(idxTypes).map(([code, [name]]) => `${hex(Number(code))} ${name}`)
    throw new DatasetError(
      `${name}: expected at byte 2 of the IDX header what its values are (${known.join(', ')}), found ${hex(type)}`,
    )
  }
  if (dimensions < 1 || dimensions > mostDimensions)
    throw new DatasetError(`${name}: expected 1 to 4 dimensions at byte 3, found ${dimensions}`)
  const sizes = await source.take(4 * dimensions)
  if (sizes.length < 4 * dimensions) throw cutShort(source)
  const shape = Array.from({ length: dimensions }, (_, i) => sizes.readUInt32BE(4 * i))
  const [called, values] = idxTypes[type]
  return { format: 'idx', type: called, values, shape, fortran: false }
}

async function readNpy(source: ByteSource): Promise<Header> {
  const { name } = source
  const wide = (await source.peek(7))[6] > 1
  const start = await source.take(wide ? 12 : 10)
  if (start.length < (wide ? 12 : 10)) throw cutShort(source)
  if (start[6] < 1 || start[6] > 3)
    throw new DatasetError(`${name}: expected a .npy file of version 1, 2 or 3 at byte 6, found ${start[6]}`)
  const length = wide ? start.readUInt32LE(8) : start.readUInt16LE(8)
  if (length > mostHeader)
    throw new DatasetError(`${name}: expected a .npy header of at most ${mostHeader} bytes, found ${length}`)
  const header = await source.take(length)
  if (header.length < length) throw cutShort(source)
  return { format: 'npy', ...parseDictionary(header.toString('utf8'), name) }
}

/**
 * The dictionary of a .npy header, a Python literal: keys in any order, quotes of either kind, spaces anywhere, and for
 * Python 2 long integers (60L). Throws DatasetError where it is not that of one array.
 */
function parseDictionary(text: string, name: string): Omit<Header, 'format'> {
  const value = (key: string, pattern: string) =>
    new RegExp(`(['"])${key}\\1\\s*:\\s*${pattern}`).exec(text)?.[2]
  const type = value('descr', `[bu]?['"]([^'"]*)['"]`)
  const order = value('fortran_order', '(True|False)')
  const axes = value('shape', '[([]([\\dL\\s,]*)[)\\]]')
  const fields = /(['"])descr\1\s*:\s*\[/.test(text)
  if (type === undefined && fields)
    throw new DatasetError(
      `${name}: expected an array of numbers, found one of records with fields: save one of its fields, array["…"]`,
    )
  if (type === undefined || order === undefined || axes === undefined)
    throw new DatasetError(
      `${name}: expected a .npy header of one array of numbers ({'descr': …, 'fortran_order': …, 'shape': …}), found ${JSON.stringify(text.slice(0, 80).trim())}`,
    )
  const shape = axes.split(',').flatMap(axis => (axis.trim() === '' ? [] : [sizeOf(axis)]))
  if (shape.some(size => !Number.isSafeInteger(size)) || shape.length > mostDimensions)
    throw new DatasetError(
      `${name}: expected a shape of at most 4 whole numbers, found (${axes.slice(0, 100)})`,
    )
  return { type, shape, fortran: order === 'True' && shape.length > 1, values: numpyType(type) }
}

const sizeOf = (axis: string) => Number(/^\s*(\d+)L?\s*$/.exec(axis)?.[1] ?? Number.NaN)
const hex = (byte: number) => byte.toString(16).padStart(2, '0')

const cutShort = (source: ByteSource) =>
  new DatasetError(
    `${source.name}: expected a whole header, found the end of the file at byte ${source.offset()}`,
  )
