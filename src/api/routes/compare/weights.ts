/**
 * Where weights begin to differ, bit for bit: segments whose objects have one SHA-256 are the same; where they have not, or
 * are cut elsewhere, rows are read side by side up to the first that differs. Nothing is concluded from what is not stored.
 */
import type { FastifyInstance } from 'fastify'
import { weightsName } from '../../../objects/names.ts'
import { npyHeaderBytes } from '../../../objects/npy.ts'
import { MissingObjectError, type Objects, objectKey } from '../../../objects/objects.ts'
import { firstDifference } from '../../../spec/initial.ts'
import type { Database } from '../../../store/database.ts'
import type { Reader } from '../../../store/experiments.ts'
import type { ComparedWeights } from '../../schemas/compare.ts'
import { type Axis, type Lineage, type Piece, piecesOf } from './axis.ts'
import type { Member } from './members.ts'

/** The segments of an experiment, in order, with the SHA-256 of their weights; null where these are not stored. */
type StoredWeights = { from: number; to: number; sha256: string | null }[]

/** Segments of an experiment that are looked through. */
const mostSegments = 20_000

type Parting = Omit<ComparedWeights, 'experiment'>

/** Bytes that a whole comparison may read, of all its experiments. */
export const mostBytes = 64 * 2 ** 20
/** And at once, of one object. */
const pieceBytes = 2 ** 20

type Reading = {
  objects: Pick<Objects, 'read'>
  stored: Map<string, StoredWeights>
  parameters: number
  /** Bytes that may still be read; counted down. */
  budget: { left: number }
  signal: AbortSignal
}

/** A stretch of rows within one object: those of iterations [from, to] of the axis, both ends. */
type Stretch = { key: string; sha256: string; from: number; to: number }

const pieceAt = (pieces: Piece[], at: number): Piece | undefined =>
  pieces.find(({ from, to }) => from <= at && at < to) ??
  (pieces[pieces.length - 1].to === at ? pieces[pieces.length - 1] : undefined)

/** The object whose rows begin at or before an iteration and go on behind it; or why there is none. */
function stretchAt(pieces: Piece[], at: number, stored: Reading['stored']): Stretch | string {
  const piece = pieceAt(pieces, at)!
  const { id, offset } = piece
  const found = stored.get(id)
  if (found === undefined) return `experiment ${id} has been deleted, and its weights with it`
  const own = at - offset
  if (found.length > mostSegments) return `experiment ${id} has more than ${mostSegments} segments`
  const segment = segmentAt(found, own)
  if (segment?.sha256 == null) return `the weights of ${id} at its iteration ${own} are not stored`
  const { from, to, sha256 } = segment
  return { key: objectKey(id, weightsName({ from, to })), sha256, from: offset + from, to: offset + to }
}

/** The segment that goes on behind an iteration, or ends the training there. */
function segmentAt(segments: StoredWeights, own: number): StoredWeights[number] | undefined {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (segments[middle].from <= own) low = middle
    else high = middle - 1
  }
  const found = segments[low]
  return found && found.from <= own && own <= found.to ? found : undefined
}

/** Where the second leaves the first, from the first iteration of the axis on as far as both go. */
async function partingOf(first: Piece[], second: Piece[], reading: Reading): Promise<Parting> {
  const end = Math.min(first[first.length - 1].to, second[second.length - 1].to)
  let at = 0
  /** Everything before and at it is the same. */
  let sameUntil: number | null = null
  const unknown = (why: string, differsBy: number | null = null): Parting => ({
    ...{ firstDifference: null, sameUntil, differsBy, unknown: why },
  })
  while (at <= end) {
    reading.signal.throwIfAborted()
    const [one, other] = [pieceAt(first, at)!, pieceAt(second, at)!]
    if (one.id === other.id && one.offset === other.offset) {
      at = sameUntil = Math.min(one.to, other.to, end)
      if (at === end) break
      // Of the last iteration of a piece the next has the same weights, as its first.
      continue
    }
    const stretches = [first, second].map(pieces => stretchAt(pieces, at, reading.stored))
    const missing = stretches.find(found => typeof found === 'string')
    if (missing !== undefined) return unknown(missing)
    const [a, b] = stretches as Stretch[]
    const to = Math.min(a.to, b.to, end)
    const isSameCut = a.from === b.from && a.to === b.to
    if (!(isSameCut && a.sha256 === b.sha256)) {
      const differs = isSameCut && to === a.to ? to : null
      const compared = await compareRows(a, b, at, to, reading)
      if (compared.sameUntil !== null) sameUntil = compared.sameUntil
      if (compared.differsAt !== null)
        return {
          firstDifference: compared.differsAt,
          sameUntil,
          differsBy: compared.differsAt,
          unknown: null,
        }
      if (compared.why !== undefined) return unknown(compared.why, differs)
    }
    sameUntil = to
    if (to === end) break
    at = to
  }
  return { firstDifference: null, sameUntil, differsBy: null, unknown: null }
}

type Compared = { sameUntil: number | null; differsAt: number | null; why?: string }

/** Reads the rows of iterations [at, to] of two objects side by side, up to the first bit that differs. */
async function compareRows(
  a: Stretch,
  b: Stretch,
  at: number,
  to: number,
  { objects, parameters, budget, signal }: Reading,
): Promise<Compared> {
  const rowBytes = 4 * parameters
  const bytes = (to - at + 1) * rowBytes
  /** The iteration before that of a byte. */
  const before = (byte: number) => {
    const row = at + Math.floor(byte / rowBytes)
    return row > at ? row - 1 : null
  }
  for (let done = 0; done < bytes; done += pieceBytes) {
    signal.throwIfAborted()
    const length = Math.min(pieceBytes, bytes - done)
    if (budget.left < 2 * length)
      return {
        ...{ sameUntil: before(done), differsAt: null },
        why: `more than ${mostBytes / 2 ** 20} MiB of weights would have to be read`,
      }
    budget.left -= 2 * length
    try {
      const [one, other] = await Promise.all(
        [a, b].map(({ key, from }) => {
          const start = npyHeaderBytes + (at - from) * rowBytes + done
          return objects.read(key, { start, end: start + length })
        }),
      )
      if (one.equals(other)) continue
      const byte = done + one.findIndex((value, i) => value !== other[i])
      return { sameUntil: before(byte), differsAt: at + Math.floor(byte / rowBytes) }
    } catch (error) {
      // A range that an object does not have: it has been cut short.
      if (!(error instanceof MissingObjectError || error instanceof RangeError)) throw error
      return { sameUntil: before(done), differsAt: null, why: 'weights that were stored are lost or damaged' }
    }
  }
  return { sameUntil: to, differsAt: null }
}

const weightsSql = `
  SELECT s.experiment_id AS id, s."from", s."to", a.sha256
    FROM experiments e
    CROSS JOIN LATERAL (SELECT * FROM segments WHERE experiment_id = e.id ORDER BY "index" LIMIT ${mostSegments + 1}) s
    LEFT JOIN artifacts a
      ON a.experiment_id = s.experiment_id AND a.name = 'weights/' || s."from" || '-' || s."to" || '.npy'
   WHERE e.id = ANY ($1::uuid[]) AND ($2::text IS NULL OR e.tenant = $2)
   ORDER BY s.experiment_id, s."index"`

/** What is stored of the weights of experiments; those that are gone are not in it. */
async function readStoredWeights(
  { pool }: Pick<Database, 'pool'>,
  { tenant }: Reader,
  ids: string[],
): Promise<Map<string, StoredWeights>> {
  const { rows } = await pool.query<StoredWeights[number] & { id: string }>(weightsSql, [ids, tenant])
  const found = new Map<string, StoredWeights>()
  for (const { id, from, to, sha256 } of rows) {
    if (!found.has(id)) found.set(id, [])
    found.get(id)!.push({ from, to, sha256 })
  }
  return found
}

/** Of each but the first, in order, where its weights leave the first's: what may be read is for all of them together. */
export async function compareWeights(
  { ledgerDb, objects }: Pick<FastifyInstance, 'ledgerDb' | 'objects'>,
  reader: Reader,
  [first, ...others]: Member[],
  lineages: Lineage[],
  axis: Axis,
  signal: AbortSignal,
): Promise<ComparedWeights[]> {
  const [own, ...pieces] = lineages.map(lineage => piecesOf(lineage, axis))
  const named = [...new Set([own, ...pieces].flatMap(all => all.map(({ id }) => id)))]
  const stored = await readStoredWeights(ledgerDb, reader, named)
  const parameters = first.variables.reduce((sum, { size }) => sum + size, 0)
  const reading = { objects, stored, parameters, budget: { left: mostBytes }, signal }
  const found: ComparedWeights[] = []
  for (const [i, { id, variables }] of others.entries()) {
    const nothing = { experiment: id, firstDifference: null, sameUntil: null, differsBy: null }
    if (variables.length === 0 || first.variables.length === 0)
      found.push({ ...nothing, unknown: 'nothing is trained yet' })
    else if (firstDifference(variables, first.variables))
      found.push({ ...nothing, unknown: 'they are of another network' })
    else found.push({ experiment: id, ...(await partingOf(own, pieces[i], reading)) })
  }
  return found
}
