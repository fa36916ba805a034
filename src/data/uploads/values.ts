/** How a number lies in a file, by the names that numpy and IDX have for its type. */

export type ValueType = {
  kind: 'boolean' | 'integer' | 'float'
  bytes: number
  /** Exact but for integers beyond 2^53. */
  read: (values: Buffer, at: number) => number
}

type Reader = ValueType['read']

const integer = (bytes: number, read: Reader): ValueType => ({ kind: 'integer', bytes, read })
const float = (bytes: number, read: Reader): ValueType => ({ kind: 'float', bytes, read })

/** An IEEE 754 half: a sign, 5 bits of exponent and 10 of fraction. */
export function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** What images and labels are stored as. */
export const unsignedByte = integer(1, (v, at) => v[at])

/** By numpy's names without the order of their bytes: least first, most first. */
const types: Record<string, [little: ValueType, big: ValueType]> = {
  b1: both({ kind: 'boolean', bytes: 1, read: (v, at) => Number(v[at] !== 0) }),
  u1: both(unsignedByte),
  i1: both(integer(1, (v, at) => v.readInt8(at))),
  u2: [integer(2, (v, at) => v.readUInt16LE(at)), integer(2, (v, at) => v.readUInt16BE(at))],
  i2: [integer(2, (v, at) => v.readInt16LE(at)), integer(2, (v, at) => v.readInt16BE(at))],
  u4: [integer(4, (v, at) => v.readUInt32LE(at)), integer(4, (v, at) => v.readUInt32BE(at))],
  i4: [integer(4, (v, at) => v.readInt32LE(at)), integer(4, (v, at) => v.readInt32BE(at))],
  u8: [
    integer(8, (v, at) => Number(v.readBigUInt64LE(at))),
    integer(8, (v, at) => Number(v.readBigUInt64BE(at))),
  ],
  i8: [
    integer(8, (v, at) => Number(v.readBigInt64LE(at))),
    integer(8, (v, at) => Number(v.readBigInt64BE(at))),
  ],
  f2: [float(2, (v, at) => halfOf(v.readUInt16LE(at))), float(2, (v, at) => halfOf(v.readUInt16BE(at)))],
  f4: [float(4, (v, at) => v.readFloatLE(at)), float(4, (v, at) => v.readFloatBE(at))],
  f8: [float(8, (v, at) => v.readDoubleLE(at)), float(8, (v, at) => v.readDoubleBE(at))],
}

function both(type: ValueType): [ValueType, ValueType] {
  return [type, type]
}

/** What else numpy calls them: characters, C’s names, its own scalar types, as they are on 64-bit Unix. */
const aliases: Record<string, string> = Object.fromEntries(
  Object.entries({
    b1: '? bool bool_ bool8',
    u1: 'B uint8 ubyte',
    i1: 'b int8 byte',
    u2: 'H uint16 ushort',
    i2: 'h int16 short',
    u4: 'I uint32 uintc',
    i4: 'i int32 intc',
    u8: 'L Q P uint64 uint ulong ulonglong uintp',
    i8: 'l q p int64 int int_ long longlong intp',
    f2: 'e float16 half',
    f4: 'f float32 single',
    f8: 'd float64 float float_ double',
  }).flatMap(([name, others]) => others.split(' ').map(other => [other, name])),
)

/** A type of numpy by its descriptor: <u1, |u1, >i4, =f4, u1, B, uint8. undefined: no number, or none that is read here. */
export function numpyType(descriptor: string): ValueType | undefined {
  const [, order, name] = /^([<>=|]?)(.*)$/s.exec(descriptor)!
  const known = Object.hasOwn(aliases, name) ? aliases[name] : name
  return Object.hasOwn(types, known) ? types[known][order === '>' ? 1 : 0] : undefined
}

/** A type of IDX by its byte, with its name: the most significant byte is first. */
export const idxTypes: Record<number, [name: string, type: ValueType]> = {
  8: ['unsigned bytes', types.u1[1]],
  9: ['signed bytes', types.i1[1]],
  11: ['16-bit integers', types.i2[1]],
  12: ['32-bit integers', types.i4[1]],
  13: ['32-bit floats', types.f4[1]],
  14: ['64-bit floats', types.f8[1]],
}
