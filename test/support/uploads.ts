/** Files as people send them. */
import { idxHeader } from '../../src/data/idx.ts'

const bytes = (count: number, value: (i: number) => number) =>
  Buffer.from(Uint8Array.from({ length: count }, (_, i) => value(i)))

/** Pixel `i` of any file here. */
export const pixel = (i: number) => (i * 7 + 3) % 256
/** Label `i`: three classes. */
export const labelOf = (i: number) => i % 3

export const pixels = (count: number) => bytes(count, pixel)
export const labels = (count: number) => bytes(count, labelOf)
export const idxImages = (count: number, side = 4) =>
  Buffer.concat([idxHeader([count, side, side]), pixels(count * side * side)])
export const idxLabels = (count: number) => Buffer.concat([idxHeader([count]), labels(count)])

/** A .npy file as numpy writes it. */
export function npy(
  descr: string,
  shape: string,
  values: Uint8Array,
  { order = 'False', version = 1 } = {},
): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`
  const before = version === 1 ? 10 : 12
  const header = `${text.padEnd(Math.ceil((before + text.length + 1) / 64) * 64 - before - 1)}\n`
  const length = Buffer.alloc(version === 1 ? 2 : 4)
  length.writeUIntLE(header.length, 0, length.length)
  return Buffer.concat([
    Buffer.from('\x93NUMPY', 'latin1'),
    Buffer.from([version, 0]),
    length,
    Buffer.from(header),
    values,
  ])
}
/** Labels as int64, numpy's own. */
export const npyLabels = (count: number) =>
  npy(
    '<i8',
    `(${count},)`,
    Buffer.from(BigInt64Array.from({ length: count }, (_, i) => BigInt(labelOf(i))).buffer),
  )

/** CIFAR records from number `from` on: a label, then red, green and blue planes. */
export const cifar = (count: number, from = 0) =>
  Buffer.concat(
    Array.from({ length: count }, (_, r) =>
      Buffer.concat([Buffer.from([labelOf(from + r)]), bytes(3072, i => pixel(from + r + i))]),
    ),
  )
