/**
 * The header of a safetensors file: 8 bytes that say how long it is (little-endian), then JSON: for each tensor its type, its
 * shape, and where its bytes lie behind the header. (https://huggingface.co/docs/safetensors, "Format".)
 */
import { DatasetError } from '../errors.ts'
import type { ByteSource } from '../uploads/source.ts'
import type { StoredType } from './about.ts'

export type TensorHeader = { name: string; type: StoredType; shape: number[]; start: number; end: number }

const types: Record<string, StoredType> = { F16: 'f2', BF16: 'bf', F32: 'f4', F64: 'f8' }
export const mostHeaderBytes = 2 ** 20

/** The tensors of a file in the order of their bytes, and the bytes before the first. Throws DatasetError where it is none. */
export async function readSafetensors(
  source: ByteSource,
): Promise<{ head: Buffer; tensors: TensorHeader[] }> {
  const { name: file } = source
  const fail = (message: string): never => {
    throw new DatasetError(`${file}: ${message}`)
  }
  const start = await source.take(8)
  const length = start.length === 8 ? Number(start.readBigUInt64LE()) : Number.NaN
  if (!(length >= 2 && length <= mostHeaderBytes))
    fail(
      `expected a safetensors file (8 bytes that say how long its header is, at most ${mostHeaderBytes}) or a .npz, found ${start.toString('hex')}`,
    )
  const text = await source.take(length)
  if (text.length < length) fail('ends within its header')
  let header: unknown
  try {
    header = JSON.parse(text.toString('utf8'))
  } catch {
    fail('has a header that is no JSON: expected a safetensors file or a .npz')
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    fail('has a header that is no object')
  const tensors = Object.entries(header as Record<string, unknown>)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]): TensorHeader => {
      const { dtype, shape, data_offsets: offsets } = Object(value) as Record<string, unknown>
      const isSizes = (list: unknown, most: number): list is number[] =>
        Array.isArray(list) && list.length <= most && list.every(one => Number.isSafeInteger(one) && one >= 0)
      const shown = JSON.stringify(name.slice(0, 100))
      if (!isSizes(shape, 8) || !isSizes(offsets, 2) || offsets.length !== 2)
        return fail(`${shown} has no shape and no data_offsets as safetensors have them`)
      const type = typeof dtype === 'string' && Object.hasOwn(types, dtype) ? types[dtype] : undefined
      // What lies beside the weights (a count of batches) may be of any type; who wants it finds that it is none.
      return { name, type: type ?? ('' as StoredType), shape, start: offsets[0], end: offsets[1] }
    })
    .sort((a, b) => a.start - b.start)
  let end = 0
  for (const { name, start: from, end: to } of tensors) {
    if (from !== end || to < from)
      fail(`${JSON.stringify(name.slice(0, 100))} does not lie behind the tensor before it`)
    end = to
  }
  return { head: Buffer.concat([start, text]), tensors }
}
