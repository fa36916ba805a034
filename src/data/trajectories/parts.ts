/**
 * A file of weights on its way into the object store: every tensor in it is looked at by name and shape before its bytes are,
 * and goes on as it is.
 */
import { DatasetError } from '../errors.ts'
import { readHeader } from '../uploads/header.ts'
import { filesOf } from '../uploads/npz.ts'
import type { ByteSource, Room } from '../uploads/source.ts'
import { type Place, type StoredType, typeBytes } from './about.ts'
import { isBeside } from './names.ts'
import { readSafetensors } from './safetensors.ts'
import { isState } from './state.ts'

/** A tensor that may come: what it is for, and its shape as theirs has it, without the axis of recorded weights. */
export type Wanted = { ours: string; theirs: string; shape: number[] }

export type Append = (bytes: Uint8Array) => Promise<void>
/** Where bytes go, and what is asked before so many do. */
export type Ways = { append: Append; reserve: (bytes: number) => Promise<void> }

/** Where the tensors of a file lie in what was appended: their shapes as they came. */
export type Found = Map<string, Place & { shape: number[] }>

const atOnce = 2 ** 16
const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)
const shown = (name: string) => JSON.stringify(name.slice(0, 100))

/**
 * Passes the tensors of a safetensors or .npz file on. `look` says of each what is wrong with it, in words, before its bytes
 * come, or that it is to be left out. Throws DatasetError, which names the tensor.
 */
export async function takeTensors(
  source: ByteSource,
  room: Room,
  { append, reserve }: Ways,
  look: (name: string, shape: number[]) => 'take' | 'leave' | { wrong: string },
): Promise<Found> {
  const found: Found = new Map()
  let offset = 0
  const take = async (name: string, type: StoredType | undefined, shape: number[]) => {
    const said = look(name, shape)
    if (typeof said === 'object') throw new DatasetError(`${source.name}: ${shown(name)} ${said.wrong}`)
    if (found.has(name)) throw new DatasetError(`${source.name}: has ${shown(name)} twice`)
    if (said === 'take' && !type)
      throw new DatasetError(`${source.name}: ${shown(name)} must be float16, bfloat16, float32 or float64`)
    if (said !== 'take') return undefined
    const bytes = product(shape) * typeBytes[type!]
    await reserve(bytes)
    return { bytes, type: type! }
  }
  const pass = async (contents: ByteSource, name: string, bytes: number, keep: boolean) => {
    let left = bytes
    while (left > 0) {
      const piece = await contents.some(Math.min(atOnce, left))
      if (piece.length === 0) throw new DatasetError(`${source.name}: ends within ${shown(name)}`)
      left -= piece.length
      if (keep) await append(piece)
    }
  }
  const start = await source.peek(4)
  if (start.toString('hex') === '504b0304') {
    for await (const { file, contents } of filesOf(source, room)) {
      const name = file.replace(/\.npy$/, '')
      const { type, values, shape, fortran, format } = await readHeader(contents)
      if (format !== 'npy') throw new DatasetError(`${source.name}: ${shown(file)} must be an array, a .npy`)
      const stored = ({ f2: 'f2', f4: 'f4', f8: 'f8' } as const)[type.replace(/^[<=|]/, '')]
      const one = await take(name, stored, shape)
      if (one && fortran)
        throw new DatasetError(`${source.name}: ${shown(name)} must be in C order: np.ascontiguousarray(…)`)
      const bytes = one?.bytes ?? product(shape) * (values?.bytes ?? 0)
      await pass(contents, name, bytes, one !== undefined)
      if ((await contents.some(1)).length > 0 && one)
        throw new DatasetError(`${source.name}: ${shown(name)} has more bytes than its shape`)
      if (!one) continue
      found.set(name, { offset, type: one.type, shape })
      offset += one.bytes
    }
    return found
  }
  const { tensors } = await readSafetensors(source)
  for (const { name, type, shape, start: from, end } of tensors) {
    const one = await take(name, type || undefined, shape)
    if (one && one.bytes !== end - from)
      throw new DatasetError(
        `${source.name}: ${shown(name)} has ${end - from} bytes, and its shape ${one.bytes}`,
      )
    await pass(source, name, end - from, one !== undefined)
    if (!one) continue
    found.set(name, { offset, type: one.type, shape })
    offset += one.bytes
  }
  if ((await source.some(1)).length > 0)
    throw new DatasetError(`${source.name}: goes on behind its last tensor`)
  return found
}

/** A file of weights: as many rows of every tensor that is wanted. Throws DatasetError, which names the tensor that is missing or wrong. */
export async function takePart(
  source: ByteSource,
  room: Room,
  ways: Ways,
  wanted: Wanted[],
): Promise<{ rows: number; tensors: Place[] }> {
  const byName = new Map(wanted.map(one => [one.theirs, one]))
  let rows: { count: number; of: string } | undefined
  const found = await takeTensors(source, room, ways, (name, shape) => {
    const one = byName.get(name)
    if (one === undefined)
      return isBeside(name)
        ? 'leave'
        : {
            wrong: `is no weight of this network; those are ${listed(wanted.map(({ theirs }) => theirs))}${isState(name) ? '; an optimizer’s state comes with trajectory.optimizerState' : ''}`,
          }
    const single = String(shape) === String(one.shape)
    const count = single ? 1 : shape[0]
    if (!single && (String(shape.slice(1)) !== String(one.shape) || !(count >= 1)))
      return {
        wrong: `(${one.ours}) must be [${one.shape.join(', ')}], or [${['rows', ...one.shape].join(', ')}], and is [${shape.join(', ')}]`,
      }
    rows ??= { count, of: name }
    if (rows.count !== count)
      return {
        wrong: `has ${count} rows, and ${shown(rows.of)} has ${rows.count}: every tensor of a file has as many`,
      }
    return 'take'
  })
  const missing = wanted.filter(({ theirs }) => !found.has(theirs))
  if (missing.length > 0)
    throw new DatasetError(
      `${source.name}: lacks ${listed(missing.map(({ theirs, ours }) => (theirs === ours ? theirs : `${theirs} (${ours})`)))}; $.map says which tensor a variable is`,
    )
  return {
    rows: rows!.count,
    tensors: wanted.map(({ theirs }) => ({
      offset: found.get(theirs)!.offset,
      type: found.get(theirs)!.type,
    })),
  }
}

const listed = (names: string[]) =>
  names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ')
