/** The iterations that were recorded between two positions, as events, in batches. */
import type { SplitName } from '../../../spec/schema.ts'
import type { Database } from '../../../store/database.ts'
import { helpFractions } from '../shared/ledger.ts'
import { frame } from './frames.ts'
import { comparePositions, formatPosition, type Position } from './position.ts'

/** Segments that one query looks up, and iterations that one query reads. */
const segmentBatch = 200
const iterationBatch = 500

const segmentsSql = `
  SELECT sequence, "from", "to", (SELECT sum(size) FROM variables WHERE experiment_id = $1::uuid)::float8 AS parameters
    FROM segments
   WHERE experiment_id = $1::uuid AND sequence >= $2::int AND sequence <= $3::int
   ORDER BY sequence
   LIMIT ${segmentBatch}`

const rowsSql = `
  SELECT iteration, split, loss_before, loss_after, lca, residual, splits, helped, hurt
    FROM iterations
   WHERE experiment_id = $1::uuid AND split = ANY ('{train,validation}') AND iteration >= $2::int AND iteration < $3::int
   ORDER BY iteration, split`

type Segment = { sequence: number; from: number; to: number; parameters: number }
type Row = [number, SplitName, number, number, number, number, number, number, number]

export type Batch = {
  /** Events, as they are sent. */
  bytes: Buffer
  /** Where whoever has got them is. */
  position: Position
}

/** The events after one position, up to and with another. */
export async function* eventsBetween(
  db: Database,
  id: string,
  from: Position,
  to: Position,
): AsyncGenerator<Batch, void> {
  for (let next = from.row === undefined ? from.sequence + 1 : from.sequence; next <= to.sequence; ) {
    const { rows: segments } = await db.pool.query<Segment>(segmentsSql, [id, next, to.sequence])
    for (const segment of segments) yield* segmentEvents(db, id, segment, from, to)
    if (segments.length < segmentBatch) return
    next = segments[segments.length - 1].sequence + 1
  }
}

async function* segmentEvents(
  db: Database,
  id: string,
  { sequence, from: first, to: end, parameters }: Segment,
  from: Position,
  to: Position,
): AsyncGenerator<Batch, void> {
  const known = from.sequence === sequence ? from.row : undefined
  for (let start = Math.max(first, known?.iteration ?? first); start < end; start += iterationBatch) {
    const stop = Math.min(end, start + iterationBatch)
    const values = [id, start, stop]
    const { rows } = await db.pool.query<Row>({ text: rowsSql, values, rowMode: 'array' })
    let text = ''
    for (const [iteration, split, loss, lossAfter, lca, residual, splits, helped, hurt] of rows) {
      const position = { sequence, row: { iteration, split } }
      if (comparePositions(position, from) <= 0) continue
      if (comparePositions(position, to) > 0) break
      text += frame('iteration', formatPosition(position), {
        ...{ iteration, split, loss: finite(loss), lossAfter: finite(lossAfter), lca: finite(lca) },
        ...{ residual: finite(residual), splits, ...helpFractions(helped, hurt, parameters) },
      })
    }
    const last = rows[rows.length - 1]
    // The end of the segment, unless only a part of it is asked for.
    const whole = stop === end && (to.sequence > sequence || to.row === undefined)
    if (whole) yield { bytes: Buffer.from(text), position: { sequence } }
    else if (last)
      yield { bytes: Buffer.from(text), position: { sequence, row: { iteration: last[0], split: last[1] } } }
  }
}

const finite = (x: number) => (Number.isFinite(x) ? x : null)
