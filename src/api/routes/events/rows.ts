/** The iterations that were recorded between two positions, as events, in batches. */
import type { Columns } from '../../../lca/columns.ts'
import { networkOf } from '../../../lca/diagnostics/follow.ts'
import { policyRow } from '../../../lca/diagnostics/policies.ts'
import { sparseRows } from '../../../lca/diagnostics/sparse.ts'
import { policyTypes } from '../../../lca/policies.ts'
import type { SplitName } from '../../../spec/schema.ts'
import { readBlocks } from '../../../store/blocks.ts'
import type { Database } from '../../../store/database.ts'
import { sourceOf } from '../../../store/diagnostics.ts'
import { readVariables } from '../../../store/summary.ts'
import { helpFractions } from '../../tables/ledger.ts'
import { frame } from './frames.ts'
import { comparePositions, formatPosition, type Position } from './position.ts'

/** Segments that one query looks up, and iterations that are read at a time. */
const segmentBatch = 200
const iterationBatch = 500

const segmentsSql = `
  SELECT sequence, "from", "to", (SELECT sum(size) FROM variables WHERE experiment_id = $1::uuid)::float8 AS parameters,
         (SELECT spec #> '{training,policy}' IS NOT NULL FROM experiments WHERE id = $1::uuid) AS "hasPolicy"
    FROM segments
   WHERE experiment_id = $1::uuid AND sequence >= $2::int AND sequence <= $3::int
   ORDER BY sequence
   LIMIT ${segmentBatch}`

type Segment = { sequence: number; from: number; to: number; parameters: number; hasPolicy: boolean }

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
  { sequence, from: first, to: end, parameters, hasPolicy }: Segment,
  from: Position,
  to: Position,
): AsyncGenerator<Batch, void> {
  const known = from.sequence === sequence ? from.row : undefined
  for (let start = Math.max(first, known?.iteration ?? first); start < end; start += iterationBatch) {
    const stop = Math.min(end, start + iterationBatch)
    const rows = await readRows(db, id, { from: start, to: stop }, hasPolicy)
    let text = ''
    for (const { iteration, split, columns, row, decisions } of rows) {
      const position = { sequence, row: { iteration, split } }
      if (comparePositions(position, from) <= 0) continue
      if (comparePositions(position, to) > 0) break
      if (split === 'decision') {
        text += frame('decision', formatPosition(position), { iteration, decisions })
        continue
      }
      text += frame('iteration', formatPosition(position), {
        ...{ iteration, split, loss: finite(columns.lossBefore[row]) },
        ...{ lossAfter: finite(columns.lossAfter[row]), lca: finite(columns.lca[row]) },
        ...{ residual: finite(columns.residual[row]), splits: columns.splits[row] },
        ...helpFractions(columns.helped[row], columns.hurt[row], parameters),
      })
    }
    const last = rows[rows.length - 1]
    // The end of the segment, unless only a part of it is asked for.
    const whole = stop === end && (to.sequence > sequence || to.row === undefined)
    if (whole) yield { bytes: Buffer.from(text), position: { sequence } }
    else if (last)
      yield {
        bytes: Buffer.from(text),
        position: { sequence, row: { iteration: last.iteration, split: last.split } },
      }
  }
}

type EventRow = { iteration: number; columns: Columns; row: number } & (
  | { split: SplitName; decisions?: undefined }
  | { split: 'decision'; decisions: Record<string, string | number | null>[] }
)

/** What training decided in these iterations (policies). */
async function readDecisions(db: Database, id: string, { from, to }: { from: number; to: number }) {
  const found = new Map<number, Record<string, string | number | null>[]>()
  const network = networkOf(await readVariables(db, id))
  for (const split of ['train', 'validation'] as const) {
    for await (const batch of sparseRows(sourceOf(db.pool, { id, split }, to), 'policies', policyTypes, {
      from,
      to,
    }))
      for (const row of batch)
        for (const { iteration, ...decision } of policyRow(row, network.layers)) {
          const finished = Object.entries(decision).map(([name, value]) => [
            name,
            typeof value === 'number' ? finite(value) : value,
          ])
          found.set(row.iteration, [...(found.get(row.iteration) ?? []), Object.fromEntries(finished)])
        }
    // Every split has the same.
    if (found.size > 0) break
  }
  return found
}

/** What is stored of the iterations, in the order of (iteration, split). */
async function readRows(db: Database, id: string, span: { from: number; to: number }, hasPolicy: boolean) {
  const rows: EventRow[] = []
  for (const split of ['train', 'validation'] as const)
    for await (const page of readBlocks(db.pool, { id, kind: 'iterations', split }, span))
      for (const { from, columns, rows: count } of page)
        for (let row = 0; row < count; row++) rows.push({ iteration: from + row, split, columns, row })
  if (hasPolicy)
    for (const [iteration, decisions] of await readDecisions(db, id, span))
      rows.push({ iteration, split: 'decision', columns: {}, row: 0, decisions })
  // Stable: train stays before validation, and both before what was decided.
  return rows.sort((a, b) => a.iteration - b.iteration)
}

const finite = (x: number) => (Number.isFinite(x) ? x : null)
