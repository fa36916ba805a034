/**
 * The .npy format, version 1.0 (numpy.lib.format): a header that numpy.load and memory-mapping read, then the elements,
 * little-endian, in C order.
 */
import { endianness } from 'node:os'

// Typed arrays have the machine's byte order, and they are written as they lie in memory.
if (endianness() !== 'LE') throw new Error('.npy objects are little-endian, and this machine is not')

export const dtypes = { float32: '<f4', float64: '<f8', int32: '<i4', uint8: '|u1' } as const
export type Dtype = keyof typeof dtypes

const magic = '\x93NUMPY\x01\x00'
/** Long enough for any shape of ours, so that every header has one length and elements start at one offset. */
export const npyHeaderBytes = 128

/** The header of an array of this shape: 128 bytes, after which the elements start. */
export function npyHeader(dtype: Dtype, shape: number[]): Buffer {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${dtypes[dtype]}', 'fortran_order': False, 'shape': (${axes}), }`
  const room = npyHeaderBytes - magic.length - 2
  if (text.length > room - 1) throw new RangeError(`a shape of ${shape.length} axes does not fit the header`)
  const length = Buffer.alloc(2)
  length.writeUInt16LE(room)
  return Buffer.concat([
    Buffer.from(magic, 'latin1'),
    length,
    Buffer.from(`${text.padEnd(room - 1)}\n`, 'latin1'),
  ])
}

/**
 * Reads a header from the first bytes of a file. `offset`: where the elements start. Throws for what this project does
 * not write: another version or element type, Fortran order, a header longer than the bytes given.
 */
export function parseNpyHeader(bytes: Uint8Array): { dtype: Dtype; shape: number[]; offset: number } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length < 10 || buffer.toString('latin1', 0, 8) !== magic)
    throw new Error('not a .npy file of version 1.0')
  const offset = 10 + buffer.readUInt16LE(8)
  if (offset > buffer.length)
    throw new Error(`the .npy header has ${offset} bytes, ${buffer.length} were given`)
  const text = buffer.toString('latin1', 10, offset)
  const descr = /'descr': '([^']*)'/.exec(text)?.[1]
  const dtype = (Object.keys(dtypes) as Dtype[]).find(name => dtypes[name] === descr)
  const shape = /'shape': \(([\d, ]*)\)/.exec(text)?.[1]
  if (dtype === undefined) throw new Error(`.npy elements of type ${descr} are not supported`)
  if (shape === undefined || !text.includes("'fortran_order': False"))
    throw new Error('the .npy header is not in C order')
  return {
    dtype,
    shape: shape.split(',').flatMap(axis => (axis.trim() === '' ? [] : [Number(axis)])),
    offset,
  }
}
