/**
 * The ledger as it lies in Postgres. A block is a table's columns over the iterations [from, to) of one split: its `data`
 * are the columns one after another, each all of its values, little-endian, as `columns` names them: `squared f8` (float64),
 * `helped i4` (int32, or u2 where none is negative or above 65,535), `lca sum` (helping + hurting, of no bytes). Rows come in the order of iterations, equally many for each, unless they are sums over all of
 * [from, to). A block lies within one segment and holds at most `blockRows` rows or one iteration, so that whoever reads
 * never holds more. Nothing here knows what the columns mean: another kind of table needs no migration. A kind with a number
 * behind it, as allocations/10 (coarse.ts), has its rows for every so many iterations, and may go on over segments.
 */
import type { Columns, SegmentColumns } from '../lca/columns.ts'
import { diagnosticTable, runKinds } from '../lca/diagnostics/registry.ts'
import type { SplitName } from '../spec/schema.ts'
import { turn } from '../turns.ts'
import { type Queryable, queryBinary } from './binary.ts'
import { type Asked, type EarlierKind, earlierBlocksSql } from './earlier-blocks.ts'
import { type Block, decode, encode, type Stored, summed } from './packing.ts'

export type { Block, Queryable }

/** How many iterations each of the rows of a kind is of, where they are not of whole segments. */
const everyOf = (kind: string): number => Number(kind.split('/')[1] ?? 1)

/** 1.6 MB of allocations. */
export const blockRows = 2 ** 15

/** Bytes of the first page that is read of a table, and of the largest: who reads nothing of it costs little. */
const firstPage = 2 ** 17
const largestPage = 2 ** 21
/** Bytes that one statement inserts, but for a larger block. */
const insertBytes = 2 ** 23

/** Stores a segment's tables, of which nothing is stored. Throws where columns are not as long as they must be. */
export async function insertBlocks(
  client: Queryable,
  id: string,
  segment: { from: number; to: number },
  tables: SegmentColumns[],
): Promise<void> {
  let waiting: unknown[][] = []
  let bytes = 0
  const flush = async () => {
    if (waiting.length === 0) return
    const places = waiting.map((_, i) => `($1, ${[2, 3, 4, 5, 6, 7].map(at => `$${6 * i + at}`).join(', ')})`)
    await client.query(
      `INSERT INTO ledger_blocks (experiment_id, kind, split, "from", "to", columns, data) VALUES ${places.join(', ')}`,
      [id, ...waiting.flat()],
    )
    waiting = []
    bytes = 0
  }
  for (const table of tables) {
    for (const { from, to, rows, columns } of blocksOf(table, segment)) {
      const { names, data } = encode(columns, rows)
      waiting.push([table.kind, table.split, from, to, names, data])
      bytes += data.length
      if (bytes >= insertBytes || waiting.length >= 1000) await flush()
    }
  }
  await flush()
}

/**
 * Removes the blocks of a segment, and the coarse ones that are made of them. What was made of the whole run stays: made
 * again, it would be the same.
 */
export async function removeBlocks(
  client: Queryable,
  id: string,
  { from, to }: { from: number; to: number },
): Promise<void> {
  await client.query(
    `DELETE FROM ledger_blocks
      WHERE experiment_id = $1 AND "from" >= $2 AND "from" < $3 AND kind <> ALL ($4) AND kind NOT LIKE '%/%'`,
    [id, from, to, runKinds],
  )
  await removeCoarse(client, id, { from, to })
}

/** Coarse tables are made of so many iterations at once, which begin at the multiples: all of them are there, or none. */
export const chunkIterations = 10_000

/** Removes the coarse blocks of whatever chunks have iterations of [from, to). */
export async function removeCoarse(
  client: Queryable,
  id: string,
  { from, to }: { from: number; to: number },
): Promise<void> {
  const begin = Math.floor(from / chunkIterations) * chunkIterations
  const end = Math.ceil(to / chunkIterations) * chunkIterations
  await client.query(
    `DELETE FROM ledger_blocks WHERE experiment_id = $1 AND kind LIKE '%/%' AND "from" >= $2 AND "from" < $3`,
    [id, begin, end],
  )
}

/**
 * Reads a table over the iterations [from, to), as far as it is stored: pages of blocks, in order, what lies outside cut
 * off where rows belong to iterations. Every page is one statement, whose answer is true of one moment; segments that are
 * recorded, or rewritten from rows to blocks, meanwhile are neither missed half nor seen twice. `signal` ends it before
 * the next page, with its reason. `only`: the columns that are wanted, and no others are read but those that they are sums of. `limit`: blocks of the first
 * page, of which one may be large.
 */
export async function* readBlocks(
  db: Queryable,
  { id, kind, split }: { id: string; kind: string; split: string },
  { from, to }: { from: number; to: number },
  signal?: AbortSignal,
  only?: readonly string[],
  limit = 1,
): AsyncGenerator<Block[], void> {
  let page = firstPage
  for (let next = from; next < to; ) {
    signal?.throwIfAborted()
    const asked = [id, kind, split, next, to, limit]
    const rows = await (only === undefined
      ? queryBinary<Stored>(db, pageSqlOf(kind), asked, storedFields)
      : queryBinary<Stored>(db, partSqlOf(kind), [...asked, only], storedFields))
    if (rows.length === 0) return
    // Answers come several at once, and a page is up to 2 MB.
    await turn()
    const blocks = rows.map(stored => cut(decode(stored), next, to, kind))
    yield blocks
    if (rows.length < limit) return
    next = rows[rows.length - 1].to
    const bytes = rows.reduce((sum, { data }) => sum + data.length, 0)
    limit = Math.max(1, Math.min(1000, Math.floor((rows.length * page) / bytes)))
    page = Math.min(largestPage, 2 * page)
  }
}

/**
 * The rows of single iterations, which ascend, as blocks of one row; of those that are stored. For tables that have one row
 * an iteration.
 */
export async function readBlockRows(
  db: Queryable,
  { id, kind, split }: { id: string; kind: string; split: string },
  iterations: number[],
): Promise<Block[]> {
  const rows = await queryBinary<Stored>(db, rowsSqlOf(kind), [id, kind, split, iterations], storedFields)
  return rows.map(decode)
}

/**
 * The iterations of a split over a span of each of several experiments: every span's blocks, in order, `only` some of their
 * columns. One statement, all of whose answer is in memory: for what is short.
 */
export async function readShort(
  db: Queryable,
  split: string,
  spans: { id: string; from: number; to: number; only: readonly string[] }[],
): Promise<Block[][]> {
  const asked = [
    spans.map(({ id }) => id),
    spans.map(({ from }) => from),
    spans.map(({ to }) => to),
    spans.map(({ only }) => only.join()),
    split,
  ]
  const rows = await queryBinary<Stored & { span: number }>(db, shortSql(), asked, {
    ...{ span: 'int4', ...storedFields },
  })
  const found: Block[][] = spans.map(() => [])
  for (const { span, ...stored } of rows) found[span - 1].push(decode(stored))
  return found
}

/** Puts a table of a whole run in the place of what there was of it. Where the experiment is gone, nothing is put. */
export async function replaceRunTables(
  client: Queryable,
  id: string,
  iterations: number,
  tables: { kind: string; split: string; columns: Columns }[],
): Promise<void> {
  const { rows } = await client.query('SELECT FROM experiments WHERE id = $1 FOR KEY SHARE', [id])
  if (rows.length === 0) return
  const run = { from: 0, to: iterations }
  await client.query('DELETE FROM ledger_blocks WHERE experiment_id = $1 AND kind = ANY ($2)', [
    id,
    tables.map(({ kind }) => kind),
  ])
  await insertBlocks(
    client,
    id,
    run,
    tables.map(table => ({ ...table, split: table.split as SplitName, of: 'segment' })),
  )
}

/** Which tables of whole runs there are of an experiment. */
export async function findRunTables(db: Queryable, id: string): Promise<{ kind: string; split: string }[]> {
  const { rows } = await db.query<{ kind: string; split: string }>(
    'SELECT DISTINCT kind, split FROM ledger_blocks WHERE experiment_id = $1 AND kind = ANY ($2)',
    [id, runKinds],
  )
  return rows
}

/** How many iterations of a split are stored in the span of each of these experiments, which are different ones. */
export async function countIterations(
  db: Queryable,
  split: string,
  spans: { id: string; from: number; to: number }[],
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; count: number }>(
    `SELECT id, (SELECT coalesce(sum(least("to", span_to) - greatest("from", span_from)), 0) FROM ledger_blocks
              WHERE experiment_id = id AND kind = 'iterations' AND split = $2 AND "from" < span_to AND "to" > span_from)::int
          + (SELECT count(*) FROM earlier_iterations
              WHERE experiment_id = id AND split = $2 AND iteration >= span_from AND iteration < span_to)::int AS count
       FROM unnest($1::uuid[], $3::int[], $4::int[]) AS spans (id, span_from, span_to)`,
    [spans.map(({ id }) => id), split, spans.map(({ from }) => from), spans.map(({ to }) => to)],
  )
  return new Map(rows.map(({ id, count }) => [id, count]))
}

/** As readBlocks passes it. */
const parameters: Asked = {
  ...{ id: '$1', kind: '$2', split: '$3', from: '$4::int', to: '$5::int', limit: 'LIMIT $6::int' },
}

/** The columns of an answer that has blocks. */
const storedFields = { from: 'int4', to: 'int4', columns: 'text', data: 'bytea', swapped: 'bool' } as const
const storedSql = `b."from", b."to", array_to_string(b.columns, ','), b.data, b.swapped`

/** Blocks of a kind, whole, in order: `from` may lie within one, which then is the last that does not begin behind it. */
function blocksSql(kind: string, asked: Asked): string {
  const { id, split, from, to, limit } = asked
  const ofTable = `experiment_id = ${id} AND kind = ${asked.kind} AND split = ${split}`
  return `
  SELECT "from", "to", columns, data, swapped FROM (
    (SELECT "from", "to", columns, data, false AS swapped
       FROM ledger_blocks
      WHERE ${ofTable} AND "to" > ${from} AND "from" < ${to}
        AND "from" >= coalesce((SELECT max("from") FROM ledger_blocks
              WHERE ${ofTable} AND "from" <= ${from}), 0)
      ORDER BY "from" ${limit})
    ${Object.hasOwn(earlierBlocksSql, kind) ? `UNION ALL (${earlierBlocksSql[kind as EarlierKind](asked)})` : ''}
  ) blocks
  ORDER BY "from" ${limit}`
}

const pageSqlOf = (kind: string) =>
  `SELECT ${storedSql} FROM (${blocksSql(kind, parameters)}) b ORDER BY b."from"`

/** Where each column of a block b lies in its data. */
const placesSql = `
  SELECT name, n, size, rows * coalesce(sum(size) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS place, rows
    FROM (SELECT name, n, size, octet_length(b.data) / sum(size) OVER () AS rows
            FROM unnest(b.columns) WITH ORDINALITY AS c (name, n),
                 LATERAL (SELECT CASE split_part(name, ' ', 2) WHEN 'f8' THEN 8 WHEN 'i4' THEN 4 WHEN 'u2' THEN 2 ELSE 0 END AS size) sizes) sized`

/** Whether a column of a block b is one of `names`, or one that a column of them is the sum of. */
const isWantedSql = (names: string) =>
  `(split_part(name, ' ', 1) = ANY (${names})
    OR name IN (${summed.of.map(part => `'${part} f8'`)}) AND '${summed.name}' = ANY (${names}) AND '${summed.name} sum' = ANY (b.columns))`

/**
 * The same with the columns of `names` alone, and of a block that has iterations outside of [from, to) the rows inside, where
 * they belong to iterations. What is stored out of line and uncompressed is read in part.
 */
function partsSql(kind: string, asked: Asked, names: string): string {
  const span = isOfSegment(kind)
    ? 'b."from", b."to"'
    : `greatest(b."from", ${asked.from}) AS "from", least(b."to", ${asked.to}) AS "to"`
  return `
  SELECT span."from", span."to", part.columns, part.data, b.swapped
    FROM (${blocksSql(kind, asked)}) b,
         LATERAL (SELECT ${span}) span,
         LATERAL (SELECT array_agg(name ORDER BY n) AS columns,
                         string_agg(substring(b.data FROM (place + rows * (span."from" - b."from") / (b."to" - b."from") * size)::int + 1 FOR (rows * (span."to" - span."from") / (b."to" - b."from") * size)::int), ''::bytea ORDER BY n) AS data
                    FROM (${placesSql}) places WHERE ${isWantedSql(names)}) part
   ORDER BY b."from"`
}

const partSqlOf = (kind: string) =>
  `SELECT ${storedSql} FROM (${partsSql(kind, parameters, '$7::text[]')}) b ORDER BY b."from"`

/** Of each of several spans, the nth of which is of an experiment of its own: its blocks, cut to it. */
const shortSql = () => `
  SELECT asked.span::int, ${storedSql}
    FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[]) WITH ORDINALITY AS asked (id, "from", "to", names, span),
         LATERAL (${partsSql(
           'iterations',
           {
             ...{ id: 'asked.id', kind: "'iterations'", split: '$5' },
             ...{ from: 'asked."from"', to: 'asked."to"', limit: '' },
           },
           "string_to_array(asked.names, ',')",
         )}) b
   ORDER BY asked.span, b."from"`

/** Of each iteration of $4 its row alone, where a block has one an iteration. */
const rowsSqlOf = (kind: string) => `
  SELECT at, at + 1, array_to_string(b.columns, ','), part.data, b.swapped
    FROM unnest($4::int[]) AS at,
         LATERAL (${blocksSql(kind, { ...parameters, from: 'at', to: '(at + 1)', limit: 'LIMIT 1' })}) b,
         LATERAL (SELECT string_agg(substring(b.data FROM (place + (at - b."from") * size)::int + 1 FOR size), ''::bytea ORDER BY n) AS data
                    FROM (${placesSql}) places) part
   ORDER BY at`

/** Whether the rows of a kind are not of single iterations, one after the other. */
const isOfSegment = (kind: string): boolean =>
  kind === 'neurons' || kind === 'chunks' || (diagnosticTable(kind)?.of ?? 'iterations') !== 'iterations'

/** A table of a segment in blocks. */
function* blocksOf(
  { kind, of, columns }: SegmentColumns,
  { from, to }: { from: number; to: number },
): Generator<Block> {
  const [first] = Object.values(columns)
  const every = everyOf(kind)
  const perSpan = (first.length * every) / (to - from)
  if (of === 'segment' || to === from) {
    yield { from, to, rows: first.length, columns }
    return
  }
  if (!Number.isInteger(perSpan))
    throw new Error(`${first.length} rows of ${kind} do not divide into ${to - from} iterations`)
  const length = every * Math.max(1, Math.floor(blockRows / perSpan))
  for (let start = from; start < to; start += length) {
    const end = Math.min(to, start + length)
    const rows = [((start - from) / every) * perSpan, ((end - from) / every) * perSpan] as const
    yield { from: start, to: end, rows: rows[1] - rows[0], columns: slice(columns, ...rows) }
  }
}

/** The part of a block that lies in [from, to); all of one that holds sums. */
function cut(block: Block, from: number, to: number, kind: string): Block {
  if (isOfSegment(kind) || (block.from >= from && block.to <= to)) return block
  const every = everyOf(kind)
  const perSpan = (block.rows * every) / (block.to - block.from)
  const [start, end] = [Math.max(from, block.from), Math.min(to, block.to)]
  const rows = [((start - block.from) / every) * perSpan, ((end - block.from) / every) * perSpan] as const
  return { from: start, to: end, rows: rows[1] - rows[0], columns: slice(block.columns, ...rows) }
}

const slice = (columns: Columns, start: number, end: number): Columns =>
  Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values.subarray(start, end)]))
