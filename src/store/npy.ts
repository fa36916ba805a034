/**
 * NumPy's .npy format, version 1.0: magic, version, the header's length in two bytes, the header (a Python dictionary as
 * text), then the numbers, row after row. numpy.load and memory-map read what is written here as it is.
 */

/** float32, float64, int32; little-endian, always. */
export type NpyType = '<f4' | '<f8' | '<i4'
export type NpyArray = Float32Array | Float64Array | Int32Array

const arrays = { '<f4': Float32Array, '<f8': Float64Array, '<i4': Int32Array } as const
export const npyContentType = 'application/x-npy'

// Numbers go to the file as they lie in memory.
if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
  throw new Error('this machine keeps numbers big-endian; Loss Ledger needs a little-endian one')
}

const magic = '\x93NUMPY\x01\x00'

/** Bytes of one number. */
export const npyItemSize = (type: NpyType): number => arrays[type].BYTES_PER_ELEMENT

/** The header of an array in C order; a multiple of 64 bytes, so that the numbers behind it are aligned. */
export function npyHeader(type: NpyType, shape: number[]): Uint8Array {
  // A Python tuple of one needs its comma.
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`
  const total = Math.ceil((magic.length + 2 + text.length + 1) / 64) * 64
  const body = `${text.padEnd(total - magic.length - 3)}\n`
  const length = String.fromCharCode(body.length & 255, body.length >> 8)
  return Buffer.from(magic + length + body, 'latin1')
}

export type NpyHeader = {
  type: NpyType
  shape: number[]
  /** Where the numbers begin. */
  dataOffset: number
}

/** Reads the header that a file begins with. Throws where it is not one that npyHeader writes. */
export function parseNpyHeader(bytes: Uint8Array): NpyHeader {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (!text.startsWith(magic) || text.length < 10) throw new Error('not a .npy file of version 1.0')
  const dataOffset = 10 + (text.charCodeAt(8) | (text.charCodeAt(9) << 8))
  const found =
    /^\{'descr': '([^']+)', 'fortran_order': (True|False), 'shape': \(((?:\d+, ?)*\d*)\), ?\} *\n$/.exec(
      text.slice(10, dataOffset),
    )
  if (found === null) throw new Error('the header of this .npy file is cut short or not one of ours')
  const [, type, fortran, shape] = found
  if (!(type in arrays) || fortran === 'True') {
    throw new Error(`.npy of type ${type}${fortran === 'True' ? ' in Fortran order' : ''} is not read here`)
  }
  const sizes = shape.split(',').filter(size => size.trim() !== '')
  return { type: type as NpyType, shape: sizes.map(Number), dataOffset }
}

/** The bytes of an array, without copying. */
export const bytesOf = (array: NpyArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

/** The numbers in some bytes of a file; a copy only where the bytes are not aligned. */
export function numbersOf<T extends NpyType>(type: T, bytes: Uint8Array): InstanceType<(typeof arrays)[T]> {
  const size = npyItemSize(type)
  if (bytes.byteLength % size !== 0)
    throw new Error(`${bytes.byteLength} bytes are not whole numbers of ${size} bytes`)
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice()
  const Numbers = arrays[type] as new (buffer: ArrayBufferLike, offset: number, length: number) => unknown
  return new Numbers(aligned.buffer, aligned.byteOffset, bytes.byteLength / size) as InstanceType<
    (typeof arrays)[T]
  >
}

/** A whole file: header and numbers. Throws where the shape does not hold the array. */
export function npyFile(array: NpyArray, shape: number[]): Uint8Array {
  const type = (Object.keys(arrays) as NpyType[]).find(name => array instanceof arrays[name])!
  const count = shape.reduce((product, size) => product * size, 1)
  if (count !== array.length) throw new Error(`shape (${shape}) holds ${count} numbers, not ${array.length}`)
  return Buffer.concat([npyHeader(type, shape), bytesOf(array)])
}
