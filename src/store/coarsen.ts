/** Makes coarse tables (coarse.ts): in finalize, and in the background of what earlier versions recorded, a chunk a transaction. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Columns, SegmentColumns } from '../lca/columns.ts'
import type { SplitName } from '../spec/schema.ts'
import {
  type Block,
  chunkIterations,
  insertBlocks,
  type Queryable,
  readBlocks,
  removeCoarse,
} from './blocks.ts'
import type { OnFailure } from './chores.ts'
import { extremeLevels, extremes, fewIterations, isLower } from './coarse.ts'
import { type Database, transaction, whileAlone } from './database.ts'
import { levels } from './ladder.ts'
import { checkRows } from './totals.ts'

// Any number that nothing else locks.
const coarseLock = 0x1ed9e4

/**
 * Makes the coarse tables of every experiment that has succeeded without, as earlier versions let them; resolves to how
 * many chunks that were, or undefined where another process is at it. As long again as the work takes is waited in between.
 * A process that dies leaves whole chunks, and the next one makes the others.
 */
export function coarsenEarlier(db: Database, onFailure: OnFailure): Promise<number | undefined> {
  return whileAlone(db.pool, coarseLock, async () => {
    let made = 0
    for (let last: string | null = null; ; ) {
      const { rows: found }: { rows: { id: string }[] } = await db.pool.query(
        `SELECT id FROM experiments e
          WHERE status = 'succeeded' AND trained >= $2 AND ($1::uuid IS NULL OR id > $1::uuid)
            AND EXISTS (${missingSql}) ORDER BY id LIMIT 1`,
        [last, fewIterations],
      )
      if (found.length === 0) return made
      last = found[0].id
      try {
        made += await coarsen(db, last, { pause: true })
      } catch (error) {
        onFailure(last, error as Error)
      }
    }
  })
}

/** Beginnings of chunks of an experiment e that are not there. */
const missingSql = `
  SELECT chunk AS "from", least(chunk + ${chunkIterations}, e.trained) AS "to"
    FROM generate_series(0, e.trained - ${levels[0]}, ${chunkIterations}) AS chunk
   WHERE NOT EXISTS (SELECT FROM ledger_blocks b
                      WHERE b.experiment_id = e.id AND b.kind = 'allocations/${levels[0]}'
                        AND b.split IN ('train', 'validation') AND b."from" = chunk)`

/**
 * Makes what is missing of an experiment's coarse tables, as far as its segments are recorded; resolves to how many chunks
 * that were. `signal` ends it before the next, with its reason.
 */
export async function coarsen(
  { pool }: Pick<Database, 'pool'>,
  id: string,
  { pause = false, signal }: { pause?: boolean; signal?: AbortSignal } = {},
): Promise<number> {
  const { rows: chunks } = await pool.query<Chunk>(
    `SELECT missing.*, ARRAY(SELECT json_array_elements_text(spec #> '{allocation,splits}')) AS splits,
            (SELECT count(*)::int FROM variables WHERE experiment_id = e.id) AS variables
       FROM experiments e, LATERAL (${missingSql}) missing
      WHERE id = $1 AND trained >= $2 ORDER BY "from"`,
    [id, fewIterations],
  )
  let made = 0
  for (const chunk of chunks) {
    signal?.throwIfAborted()
    const start = performance.now()
    if (await makeChunk(pool, id, chunk, signal)) made += 1
    if (pause) await sleep(performance.now() - start)
  }
  return made
}

type Chunk = { from: number; to: number; splits: SplitName[]; variables: number }
type Coarse = { to: number; table: SegmentColumns }

/** Says whether it was made: not where something of it is not recorded, or is recorded anew meanwhile. */
async function makeChunk(
  pool: Database['pool'],
  id: string,
  chunk: Chunk,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const state = await stateOf(pool, id, chunk)
  if (state === undefined) return false
  const made: Coarse[] = []
  for (const split of chunk.splits)
    for (const make of [coarseAllocations, coarseIterations]) {
      const tables = await make(pool, id, split, chunk, signal)
      if (tables === undefined) return false
      made.push(...tables)
    }
  return transaction(pool, async client => {
    // Whoever records a segment is through before this looks at it, or begins when this is.
    await client.query('SELECT FROM experiments WHERE id = $1 FOR UPDATE', [id])
    if ((await stateOf(client, id, chunk)) !== state) return false
    await removeCoarse(client, id, chunk)
    for (const { to, table } of made) await insertBlocks(client, id, { from: chunk.from, to }, [table])
    return true
  })
}

/** Changes whenever one of the chunk's segments is recorded again; undefined: not all of them are recorded, or left. */
async function stateOf(db: Queryable, id: string, { from, to }: Chunk): Promise<string | undefined> {
  const { rows } = await db.query<{ state: string | null }>(
    `SELECT CASE WHEN bool_and(status = 'allocated')
                 THEN string_agg(concat_ws(' ', "index", attempts, finished_at), ',' ORDER BY "index") END AS state
       FROM segments WHERE experiment_id = $1 AND "from" < $3 AND "to" > $2`,
    [id, from, to],
  )
  return rows[0].state ?? undefined
}

/** Takes the blocks of the chunk in order, as they come; resolves to whether they were all of it, or ends at the first gap. */
async function takeChunk(
  db: Queryable,
  what: { id: string; kind: string; split: SplitName },
  { from, to }: Chunk,
  signal: AbortSignal | undefined,
  take: (block: Block) => void,
): Promise<boolean> {
  let next = from
  for await (const page of readBlocks(db, what, { from, to }, signal))
    for (const block of page) {
      if (block.from !== next) return false
      take(block)
      next = block.to
    }
  return next === to
}

/** Sums over every 10 iterations, over every 100 of these, and so on, each in order. */
async function coarseAllocations(
  db: Queryable,
  id: string,
  split: SplitName,
  chunk: Chunk,
  signal: AbortSignal | undefined,
): Promise<Coarse[] | undefined> {
  const { from, to, variables } = chunk
  const [shortest] = levels
  const spansOf = (every: number) => Math.floor((to - from) / every)
  const fresh = (every: number) => new Float64Array(spansOf(every) * variables)
  let sums: Record<string, Float64Array> = {}
  const integers = new Set<string>()
  const isWhole = await takeChunk(db, { id, kind: 'allocations', split }, chunk, signal, block => {
    checkRows(block, variables)
    const end = Math.min(block.to, from + shortest * spansOf(shortest))
    for (const [name, values] of Object.entries(block.columns)) {
      if (values instanceof Int32Array) integers.add(name)
      sums[name] ??= fresh(shortest)
      for (let t = block.from, row = 0; t < end; t++) {
        const into = Math.floor((t - from) / shortest) * variables
        for (let v = 0; v < variables; v++, row++) sums[name][into + v] += values[row]
      }
    }
  })
  if (!isWhole) return undefined
  const made: Coarse[] = []
  let below: number = shortest
  for (const every of levels) {
    const spans = spansOf(every)
    if (spans === 0) break
    if (every !== below) {
      const summed = Object.entries(sums).map(([name, values]): [string, Float64Array] => {
        const own = fresh(every)
        for (let span = 0, row = 0; span < (spans * every) / below; span++) {
          const into = Math.floor((span * below) / every) * variables
          for (let v = 0; v < variables; v++, row++) own[into + v] += values[row]
        }
        return [name, own]
      })
      sums = Object.fromEntries(summed)
      below = every
    }
    const columns = Object.fromEntries(
      Object.entries(sums).map(([name, values]) => [name, integers.has(name) ? whole(values) : values]),
    )
    made.push(coarse('allocations', split, every, columns, chunk))
  }
  return made
}

/** Whole numbers as such, unless one is too large: counts over many iterations. */
const whole = (values: Float64Array): Float64Array | Int32Array =>
  values.every(value => value < 2 ** 31) ? Int32Array.from(values) : values

/** Of every 100, 1,000 and 10,000 iterations those with the lowest and the highest loss: of several the first. */
async function coarseIterations(
  db: Queryable,
  id: string,
  split: SplitName,
  chunk: Chunk,
  signal: AbortSignal | undefined,
): Promise<Coarse[] | undefined> {
  const { from, to } = chunk
  const rows: Record<string, Float64Array | Int32Array> = {}
  const isWhole = await takeChunk(db, { id, kind: 'iterations', split }, chunk, signal, block => {
    for (const [name, values] of Object.entries(block.columns)) {
      rows[name] ??= values instanceof Int32Array ? new Int32Array(to - from) : new Float64Array(to - from)
      rows[name].set(values, block.from - from)
    }
  })
  if (!isWhole) return undefined
  const loss = rows.lossBefore
  const made: Coarse[] = []
  for (const every of extremeLevels) {
    const spans = Math.floor((to - from) / every)
    if (spans === 0) break
    const chosen = { lowest: new Int32Array(spans), highest: new Int32Array(spans) }
    for (let span = 0; span < spans; span++) {
      let lowest = span * every
      let highest = lowest
      for (let row = lowest; row < (span + 1) * every; row++) {
        if (isLower(loss[row], loss[lowest])) lowest = row
        if (isLower(loss[highest], loss[row])) highest = row
      }
      chosen.lowest[span] = lowest
      chosen.highest[span] = highest
    }
    const columns: Columns = {}
    for (const extreme of extremes) {
      columns[`${extreme}.iteration`] = chosen[extreme].map(row => from + row)
      for (const [name, values] of Object.entries(rows)) {
        const own = values instanceof Int32Array ? new Int32Array(spans) : new Float64Array(spans)
        for (const [span, row] of chosen[extreme].entries()) own[span] = values[row]
        columns[`${extreme}.${name}`] = own
      }
    }
    made.push(coarse('iterations', split, every, columns, chunk))
  }
  return made
}

const coarse = (
  kind: string,
  split: SplitName,
  every: number,
  columns: Columns,
  { from, to }: Chunk,
): Coarse => ({
  to: from + Math.floor((to - from) / every) * every,
  table: { kind: `${kind}/${every}`, split, of: 'iterations', columns },
})
