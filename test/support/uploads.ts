/** Files as people send them. */
import { zipSync } from 'fflate'
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
export const npy = (
  descr: string,
  shape: string,
  values: Uint8Array,
  { order = 'False', version = 1 } = {},
): Buffer => npyOf(`{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`, values, version)

/** A .npy file whose header is this text. */
export function npyOf(text: string, values: Uint8Array, version = 1): Buffer {
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

/** An array in Fortran order: its first axis changes fastest. `values` in C order. */
export function fortran(values: Uint8Array, shape: number[]): Buffer {
  const turned = Buffer.alloc(values.length)
  values.forEach((value, i) => {
    let rest = i
    let step = values.length
    let at = 0
    for (const size of [...shape].reverse()) {
      step /= size
      at += (rest % size) * step
      rest = Math.floor(rest / size)
    }
    turned[at] = value
  })
  return turned
}

/** Examples [height, width, channels] with their channels first. */
export function channelsFirst(values: Uint8Array, [height, width, channels]: number[]): Buffer {
  const turned = Buffer.alloc(values.length)
  const places = height * width
  values.forEach((value, i) => {
    const [place, channel] = [Math.floor(i / channels), i % channels]
    turned[(Math.floor(place / places) * channels + channel) * places + (place % places)] = value
  })
  return turned
}

/** An IDX file of 32-bit integers. */
export const idxIntegers = (shape: number[], values: Uint8Array) =>
  Buffer.concat([idxHeader(shape).fill(12, 2, 3), wide(values, 4, 'big')])

/** Bytes as integers of more bytes. */
export function wide(values: Uint8Array, size: 2 | 4 | 8, order: 'little' | 'big'): Buffer {
  const all = Buffer.alloc(values.length * size)
  values.forEach((value, i) => {
    all[i * size + (order === 'little' ? 0 : size - 1)] = value
  })
  return all
}

export const float32 = (values: ArrayLike<number>) => Buffer.from(Float32Array.from(values).buffer)
export const int16 = (values: ArrayLike<number>) => Buffer.from(Int16Array.from(values).buffer)

/** A .npz, compressed or not. */
export const npz = (arrays: Record<string, Uint8Array>, level: 0 | 6 = 0) =>
  Buffer.from(zipSync(arrays, { level }))

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
/** CIFAR-100's: the superclass, 0 to 2, then the class, 90 to 92. */
export const cifar100 = (count: number) =>
  Buffer.concat(
    Array.from({ length: count }, (_, r) =>
      Buffer.concat([
        Buffer.from([labelOf(r)]),
        Buffer.from([90 + labelOf(r)]),
        bytes(3072, i => pixel(r + i)),
      ]),
    ),
  )
