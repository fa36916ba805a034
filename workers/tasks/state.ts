/** Where a training can go on: its weights and its optimizer's state, in one object that tells whether it is whole. */
import { createHash } from 'node:crypto'
import type { TrainingState } from '../../src/nn/training/state.ts'
import { stateName } from '../../src/objects/names.ts'
import { npyHeader, npyHeaderBytes } from '../../src/objects/npy.ts'
import { DamagedObjectError, MissingObjectError, type Objects, objectKey } from '../../src/objects/objects.ts'

import { digestBytes, writeSealed } from './sealed.ts'

type Size = { slots: number; parameters: number }

const headerOf = ({ slots, parameters }: Size) => npyHeader('float64', [1 + slots, parameters])
const bytesOf = (row: Float64Array) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength)

/**
 * Writes state/{iteration}.npy: float64 [1 + slots, parameters], θ and then every slot, behind them what policies remember, as
 * JSON, where there is any, and 32 bytes, the SHA-256 of all that comes before. Nobody else records the digest: whoever goes on may be the first to know of it.
 */
export async function writeState(
  objects: Objects,
  experimentId: string,
  { iteration, theta, state, memory }: TrainingState,
): Promise<void> {
  await writeSealed(objects, objectKey(experimentId, stateName(iteration)), [
    headerOf({ slots: state.length, parameters: theta.length }),
    // float32 is exact in float64, and back.
    bytesOf(Float64Array.from(theta)),
    ...state.map(bytesOf),
    ...(memory ? [Buffer.from(JSON.stringify(memory))] : []),
  ])
}

/** Reads it. Throws MissingObjectError, and DamagedObjectError where it is not what was written, or of another size. */
export async function readState(
  objects: Objects,
  experimentId: string,
  iteration: number,
  size: Size,
): Promise<TrainingState> {
  const key = objectKey(experimentId, stateName(iteration))
  const { slots, parameters } = size
  const rowBytes = 8 * parameters
  const length = npyHeaderBytes + (1 + slots) * rowBytes
  const stored = await objects.stat(key)
  if (stored === undefined) throw new MissingObjectError(key)
  const end = stored.bytes - digestBytes
  if (end < length) throw new DamagedObjectError(key, `${stored.bytes} bytes`, `${length + digestBytes}`)
  const hash = createHash('sha256')
  const header = await objects.read(key, { start: 0, end: npyHeaderBytes })
  hash.update(header)
  const rows: Float64Array[] = []
  for (let start = npyHeaderBytes; start < length; start += rowBytes) {
    const bytes = await objects.read(key, { start, end: start + rowBytes })
    hash.update(bytes)
    const { buffer, byteOffset } = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
    rows.push(new Float64Array(buffer as ArrayBuffer, byteOffset, parameters))
  }
  const text = end > length ? await objects.read(key, { start: length, end }) : undefined
  if (text) hash.update(text)
  const found = hash.digest()
  const expected = await objects.read(key, { start: end, end: end + digestBytes })
  if (!found.equals(expected) || !header.equals(headerOf(size)))
    throw new DamagedObjectError(key, `SHA-256 ${found.toString('hex')}`, expected.toString('hex'))
  const [theta, ...state] = rows
  const memory = text && (JSON.parse(text.toString()) as TrainingState['memory'])
  return { iteration, theta: Float32Array.from(theta), state, ...(memory && { memory }) }
}

/**
 * The latest of the states at these iterations, ascending, that is stored whole; undefined: none is. What is said of
 * damaged ones is added to `damaged`.
 */
export async function latestState(
  objects: Objects,
  experimentId: string,
  iterations: number[],
  size: Size,
  damaged: string[] = [],
): Promise<TrainingState | undefined> {
  for (const iteration of iterations.toReversed()) {
    try {
      return await readState(objects, experimentId, iteration, size)
    } catch (error) {
      if (error instanceof DamagedObjectError) damaged.push(error.message)
      else if (!(error instanceof MissingObjectError)) throw error
    }
  }
  return undefined
}
