/**
 * IDX, the format of MNIST's files: two zero bytes, the type (8 is unsigned bytes), the number of dimensions, each
 * dimension as a big-endian uint32, then the values, last dimension fastest (yann.lecun.com/exdb/mnist).
 */
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { DatasetError } from './errors.ts'

const unsignedBytes = 8
const unzip = promisify(gunzip)

/** The header of an IDX file of unsigned bytes. */
export function idxHeader(shape: number[]): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length))
  header.setUint8(2, unsignedBytes)
  header.setUint8(3, shape.length)
  shape.forEach((size, i) => {
    header.setUint32(4 + 4 * i, size)
  })
  return new Uint8Array(header.buffer)
}

/**
 * The values of an IDX file of unsigned bytes that must have this shape, gzipped where its name ends in .gz. Whatever
 * the file says, no more memory is taken than the shape needs. Throws DatasetError where the file is anything else.
 */
export async function readIdx(path: string, shape: number[]): Promise<Uint8Array> {
  const header = idxHeader(shape)
  const expected = header.length + shape.reduce((a, b) => a * b, 1)
  const stored = path.endsWith('.gz')
    ? await readGzip(path, expected)
    : await readUpTo(path, expected, `${expected} bytes (${describe(shape)})`)
  return checkIdx(stored, shape, path)
}

/** The values in the bytes of an IDX file. Throws DatasetError, which names the file, where header or length differ. */
export function checkIdx(bytes: Uint8Array, shape: number[], name: string): Uint8Array {
  const header = idxHeader(shape)
  const fail = (found: string): never => {
    throw new DatasetError(`${name}: expected an IDX file of ${describe(shape)}, found ${found}`)
  }
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) fail(`no IDX header (${bytes.length} bytes)`)
  if (bytes[2] !== unsignedBytes) fail(`values of type 0x${bytes[2].toString(16).padStart(2, '0')}`)
  if (bytes[3] !== shape.length) fail(`${bytes[3]} dimensions`)
  if (bytes.length < header.length) fail(`a header that ends after ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found = shape.map((_, i) => view.getUint32(4 + 4 * i))
  if (found.some((size, i) => size !== shape[i])) fail(describe(found))
  const values = bytes.subarray(header.length)
  const wanted = shape.reduce((a, b) => a * b, 1)
  if (values.length !== wanted)
    fail(`${values.length} values instead of ${wanted}: the file is cut short or too long`)
  return values
}

async function readGzip(path: string, expected: number): Promise<Uint8Array> {
  // Deflate never stores more than 5 bytes a block of 64 KiB beyond the data; 64 KiB more leaves room for any header.
  const compressed = await readUpTo(
    path,
    Math.ceil(expected * 1.001) + 65_536,
    'a gzip file no larger than its contents',
  )
  try {
    return await unzip(compressed, { maxOutputLength: expected })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const found =
      code === 'ERR_BUFFER_TOO_LARGE'
        ? `more than the ${expected} bytes expected`
        : `no complete gzip file (${message})`
    throw new DatasetError(`${path}: found ${found}`)
  }
}

/** The whole of a file that may have `most` bytes. */
async function readUpTo(path: string, most: number, expected: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    if (size > most) throw new DatasetError(`${path}: expected ${expected}, found ${size} bytes`)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

const describe = (shape: number[]) => `${shape.join(' × ')} unsigned bytes`
