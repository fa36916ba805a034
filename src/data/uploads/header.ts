/** The headers of IDX (yann.lecun.com/exdb/mnist) and .npy files (numpy.lib.format): what kind of values, how many. */
import { DatasetError } from '../errors.ts'
import type { ByteSource } from './source.ts'

/** How a value lies in a file. */
export type ValueType = { bytes: number; read: (values: Buffer, at: number) => number | bigint }

export type Header = {
  format: 'idx' | 'npy'
  /** As the format calls it: |u1, <i8. */
  type: string
  /** undefined: no integers. */
  values: ValueType | undefined
  shape: number[]
}

const byte: ValueType = { bytes: 1, read: (values, at) => values[at] }

/** The integers of numpy by their descriptors. */
const integers: Record<string, ValueType> = {
  '|u1': byte,
  '|b1': byte,
  '|i1': { bytes: 1, read: (values, at) => values.readInt8(at) },
  '<u2': { bytes: 2, read: (values, at) => values.readUInt16LE(at) },
  '>u2': { bytes: 2, read: (values, at) => values.readUInt16BE(at) },
  '<i2': { bytes: 2, read: (values, at) => values.readInt16LE(at) },
  '>i2': { bytes: 2, read: (values, at) => values.readInt16BE(at) },
  '<u4': { bytes: 4, read: (values, at) => values.readUInt32LE(at) },
  '>u4': { bytes: 4, read: (values, at) => values.readUInt32BE(at) },
  '<i4': { bytes: 4, read: (values, at) => values.readInt32LE(at) },
  '>i4': { bytes: 4, read: (values, at) => values.readInt32BE(at) },
  '<u8': { bytes: 8, read: (values, at) => values.readBigUInt64LE(at) },
  '>u8': { bytes: 8, read: (values, at) => values.readBigUInt64BE(at) },
  '<i8': { bytes: 8, read: (values, at) => values.readBigInt64LE(at) },
  '>i8': { bytes: 8, read: (values, at) => values.readBigInt64BE(at) },
}

const npyMagic = '\x93NUMPY'
/** Longer than the header of any array of integers. */
const mostHeader = 10_000
const mostDimensions = 8

/** Takes the header of a file. Throws DatasetError where it begins like neither format, or is wrong. */
export async function readHeader(source: ByteSource): Promise<Header> {
  const start = await source.peek(6)
  if (start.length === 0)
    throw new DatasetError(`${source.name}: expected an IDX or .npy file, found no bytes`)
  if (start.toString('latin1') === npyMagic) return readNpy(source)
  if (start[0] === 0 && start[1] === 0) return readIdx(source)
  throw new DatasetError(
    `${source.name}: expected an IDX file (bytes 00 00 08 …) or a .npy file (93 4e 55 4d 50 59), gzipped or not, found ${start.toString('hex', 0, 4)} at byte 0`,
  )
}

async function readIdx(source: ByteSource): Promise<Header> {
  const { name } = source
  const start = await source.take(4)
  if (start.length < 4) throw cutShort(source)
  const [, , type, dimensions] = start
  if (type !== 8)
    throw new DatasetError(
      `${name}: expected unsigned bytes (08) at byte 2 of the IDX header, found ${start.toString('hex', 2, 3)}`,
    )
  if (dimensions < 1 || dimensions > mostDimensions)
    throw new DatasetError(`${name}: expected 1 to 4 dimensions at byte 3, found ${dimensions}`)
  const sizes = await source.take(4 * dimensions)
  if (sizes.length < 4 * dimensions) throw cutShort(source)
  const shape = Array.from({ length: dimensions }, (_, i) => sizes.readUInt32BE(4 * i))
  return { format: 'idx', type: 'unsigned bytes', values: byte, shape }
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
  const text = header.toString('latin1')
  const type = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1]
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1]
  const axes = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1]
  if (type === undefined || order === undefined || axes === undefined)
    throw new DatasetError(
      `${name}: expected a .npy header of one array of numbers, found ${JSON.stringify(text.slice(0, 80))}`,
    )
  const shape = axes.split(',').flatMap(axis => (axis.trim() === '' ? [] : [Number(axis)]))
  if (order === 'True' && shape.length > 1)
    throw new DatasetError(`${name}: expected C order, found Fortran order: save np.ascontiguousarray(…)`)
  if (shape.some(size => !Number.isSafeInteger(size)) || shape.length > mostDimensions)
    throw new DatasetError(`${name}: expected at most 4 dimensions, found (${axes})`)
  return {
    ...{ format: 'npy', type, shape },
    values: Object.hasOwn(integers, type) ? integers[type] : undefined,
  }
}

const cutShort = (source: ByteSource) =>
  new DatasetError(
    `${source.name}: expected a whole header, found the end of the file at byte ${source.offset()}`,
  )
