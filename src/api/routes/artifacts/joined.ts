/** Tensors of all segments as one, put together from their objects while they are sent. */
import { createHash } from 'node:crypto'
import { type Joined, joinedTensors, rowsOf } from '../../../objects/names.ts'
import { npyHeader, npyHeaderBytes } from '../../../objects/npy.ts'
import { objectKey } from '../../../objects/objects.ts'
import type { ResolvedSpec } from '../../../spec/resolved.ts'
import { type SegmentSpan, segmentsOf } from '../../../spec/segments.ts'
import { findArtifacts, type ListedArtifact, type StoredArtifact } from '../../../store/artifacts.ts'
import type { Database } from '../../../store/database.ts'
import { invalidQuery, ProblemError } from '../../problem.ts'
import type { Experiment } from '../../schemas/experiments.ts'
import type { Download, Stretch } from './bytes.ts'

type Spec = Pick<ResolvedSpec, 'training' | 'allocation' | 'keep'>
type Asked = { from?: number; to?: number }

export const tensorType = 'application/octet-stream'

/** The joined tensor of this name, if it is one that an experiment could have. */
export const joinedNamed = (name: string): Joined | undefined =>
  joinedTensors(['train', 'validation']).find(joined => joined.name === name)

/** The joined tensors that an experiment which has succeeded has, as they are listed. */
export async function listJoined(
  db: Database,
  { id, status, finishedAt }: Pick<Experiment, 'id' | 'status' | 'finishedAt'>,
  spec: Spec,
): Promise<Omit<ListedArtifact, 'sha256'>[]> {
  if (status !== 'succeeded' || finishedAt === null) return []
  const [first] = segmentsOf(spec)
  const possible = joinedTensors(spec.allocation.splits).filter(({ kind }) => isKept(kind, spec))
  const known = await findArtifacts(
    db,
    id,
    possible.map(({ segment }) => segment(first)),
  )
  return possible.flatMap(({ name, segment, bothEnds }) => {
    const object = known.get(segment(first))
    if (object === undefined) return []
    const { rows } = rowsOf(bothEnds, { from: 0, to: spec.training.iterations })
    const bytes = npyHeaderBytes + rows * rowBytes(object, rowsOf(bothEnds, first).rows)
    return [{ name, bytes, contentType: tensorType, createdAt: new Date(finishedAt) }]
  })
}

const isKept = (kind: Joined['kind'], { keep }: Spec) => kind === 'neurons' || keep.includes(kind)

/**
 * The iterations of a query, of [0, iterations) if it says nothing. Throws 400 where they are not in the training, or
 * none: weights have both ends, so that from = to is one row of them.
 */
export function spanAsked({ from = 0, to }: Asked, iterations: number, bothEnds: boolean) {
  const end = to ?? iterations
  if (end > iterations)
    throw invalidQuery('to', `must be at most ${iterations}, the iterations of the training`)
  const last = bothEnds ? iterations : iterations - 1
  if (from > last)
    throw invalidQuery('from', `must be at most ${last}; the training has ${iterations} iterations`)
  if (bothEnds ? end < from : end <= from)
    throw invalidQuery('to', `must be ${bothEnds ? 'at least' : 'above'} from (${from})`)
  return { from, to: end }
}

/**
 * A joined tensor, or what `asked` wants of it. The row that two segments of weights share is there once. Throws 400 for
 * iterations that there are not, 404 where their objects are not kept or not made yet.
 */
export async function findJoined(
  db: Database,
  experiment: Pick<Experiment, 'id' | 'status'>,
  spec: Spec,
  joined: Joined,
  asked: Asked,
): Promise<Download> {
  const { id, status } = experiment
  const { name, split, bothEnds, kind } = joined
  const { splits } = spec.allocation
  const missing = (detail: string) => new ProblemError('not-found', detail)
  if (split !== undefined && !splits.includes(split))
    throw missing(`there is no ${name}: this experiment allocates ${splits.join(' and ')} only`)
  const { iterations } = spec.training
  const { from, to } = spanAsked(asked, iterations, bothEnds)
  const rows = rowsOf(bothEnds, { from, to })
  const parts = segmentsOf(spec)
    .map(segment => ({ segment, ...rowsFrom(segment, bothEnds, rows.iterations) }))
    .filter(({ first, last }) => first <= last)
  const known = await findArtifacts(
    db,
    id,
    parts.map(({ segment }) => joined.segment(segment)),
  )
  const lacking = parts.find(({ segment }) => !known.has(joined.segment(segment)))
  if (lacking && status === 'succeeded' && !isKept(kind, spec))
    throw missing(`there is no ${name}: the spec of this experiment does not keep ${kind}`)
  if (lacking) {
    const { segment } = lacking
    throw missing(
      `${joined.segment(segment)}, which is part of it, is not there yet; \`to=${segment.from}\` asks for less`,
    )
  }

  const objects = parts.map(({ segment }) => known.get(joined.segment(segment))!)
  const [size] = objects.map((object, i) => rowBytes(object, rowsOf(bothEnds, parts[i].segment).rows))
  const stretches = parts.map(({ segment, first, last }, i): Stretch => {
    const { bytes, sha256, name } = objects[i]
    const start = npyHeaderBytes + (first - segment.from) * size
    const end = npyHeaderBytes + (last + 1 - segment.from) * size
    // But for the row that it shares, and that the segment before has given.
    const whole = end === bytes && first <= segment.from + Number(bothEnds)
    return { object: { key: objectKey(id, name), bytes, sha256 }, start, end, whole }
  })
  const head = npyHeader('float32', [rows.rows, size / 4])
  const etag = createHash('sha256').update(head).update(`${name} ${from} ${to}`)
  for (const { sha256 } of objects) etag.update(sha256)
  const part = from > 0 || to < iterations ? `-${from}-${to}` : ''
  return {
    filename: name.replace('/', '-').replace(/\.npy$/, `${part}.npy`),
    ...{ contentType: tensorType, etag: `"${etag.digest('hex')}"`, sha256: undefined, head, stretches },
  }
}

/**
 * Which rows of a joined tensor a segment gives, as iterations, `last` included. Of weights each gives the row at its end
 * and not the one at its start, which the segment before has: what is trained so far can be had to its end.
 */
function rowsFrom(
  { index, from, to }: SegmentSpan,
  bothEnds: boolean,
  wanted: { first: number; last: number },
) {
  const own = bothEnds ? { first: index === 0 ? from : from + 1, last: to } : { first: from, last: to - 1 }
  return { first: Math.max(own.first, wanted.first), last: Math.min(own.last, wanted.last) }
}

function rowBytes({ name, bytes }: StoredArtifact, rows: number): number {
  const size = (bytes - npyHeaderBytes) / rows
  if (!Number.isInteger(size) || size < 0) throw new Error(`${name} of ${bytes} bytes has not ${rows} rows`)
  return size
}
