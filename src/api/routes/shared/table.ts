/** Tables on the wire: rows come in batches and leave in the format that was asked for, never all in memory at once. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type TableFormat, tableFormats, unbalancedHeader } from '../../schemas/tables.ts'
import { negotiate } from './accept.ts'
import { arrowChunks } from './arrow.ts'
import { matchesEtag, weakEtag } from './etag.ts'
import { csvChunks, jsonChunks, ndjsonChunks } from './text.ts'
import { addVary } from './vary.ts'

/** In a column of numbers, text is a number as Postgres writes it: it leaves as it came, neither read nor printed. */
export type Cell = number | string | null

/** For a query whose numbers are to stay text. */
export const asText = { rowMode: 'array', types: { getTypeParser: () => (value: string) => value } } as const

/** What a column holds: names that repeat, whole numbers of 32 bits, or anything else as float64. */
export type ColumnType = 'name' | 'int32' | 'float64'
export type Column = { name: string; type: ColumnType }

export type Table = {
  /** The fields of the JSON document before `items`; the other formats have the items only. */
  head: Record<string, unknown>
  columns: Column[]
  batches: AsyncIterable<Cell[][]> | Iterable<Cell[][]>
  /** What is wrong with the books that it is out of: for a header, as not every format has a head. */
  warning?: string
  /** Says which state of the experiment or sweep the table shows, where it has finished; undefined: it has not. */
  version?: string
}

type Chunks = (table: Table) => AsyncGenerator<string | Uint8Array, void>
const writers: Record<TableFormat, Chunks> = {
  json: jsonChunks,
  csv: csvChunks,
  ndjson: ndjsonChunks,
  arrow: arrowChunks,
}
const formatOf = Object.fromEntries(
  Object.entries(tableFormats).map(([format, mediaType]) => [mediaType, format]),
) as Record<string, TableFormat>
const mediaTypes = Object.values(tableFormats)
const withCharset = (mediaType: string) =>
  mediaType === tableFormats.arrow ? mediaType : `${mediaType}; charset=utf-8`

/** Raise it when the content or the layout of tables changes: then what clients kept is out of date. */
const layout = '2'

/**
 * Answers with a table in the format that `?format=` or Accept asks for. The first batch is awaited before the answer
 * begins, so a query that fails at once is still a proper error; a later failure breaks the connection, which no client
 * can mistake for the end.
 */
export async function sendTable(
  request: FastifyRequest,
  reply: FastifyReply,
  table: Table,
): Promise<FastifyReply> {
  const { format: asked } = request.query as { format?: TableFormat }
  const format = asked ?? formatOf[negotiate(request.headers.accept, mediaTypes)]
  reply.type(withCharset(tableFormats[format]))
  addVary(reply, 'accept', 'accept-encoding')
  reply.header('cache-control', 'private, no-cache')
  if (table.warning !== undefined) reply.header(unbalancedHeader, table.warning)
  if (table.version !== undefined) {
    const etag = weakEtag(layout, table.version, format, request.url)
    reply.header('etag', etag)
    if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send(null)
  }
  // Fastify would read a stream to its end for a HEAD.
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  const chunks = writers[format](table)
  const first = await chunks.next()
  // Bytes, not objects: a slow reader then holds back the queries, not a queue of batches.
  return reply.send(Readable.from(prepend(first, chunks), { objectMode: false }))
}

async function* prepend<T>(first: IteratorResult<T, void>, rest: AsyncGenerator<T, void>) {
  if (!first.done) yield first.value
  yield* rest
}

/**
 * The batches of a generator, each asked for while the one before is being written: Postgres and this process work at
 * the same time. No more than one is ever waiting.
 */
export async function* ahead<T>(batches: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  let next = batches.next()
  try {
    for (;;) {
      const { value, done } = await next
      if (done) return
      next = batches.next()
      // Whoever stops reading must not leave a rejection that nobody hears.
      next.catch(() => {})
      yield value
    }
  } finally {
    await batches.return()
  }
}

/** The columns of a table: the properties of its row schema, as far as they are wanted, in order. */
export function columnsOf(
  row: { properties: Record<string, object> },
  wanted: (name: string) => boolean = () => true,
): Column[] {
  const types = { string: 'name', integer: 'int32' } as Record<string, ColumnType>
  return Object.entries(row.properties)
    .filter(([name]) => wanted(name))
    .map(([name, schema]) => {
      const { type, enum: names } = schema as { type?: string | string[]; enum?: unknown[] }
      const isName = names !== undefined || [type].flat().includes('string')
      return { name, type: isName ? 'name' : (types[String(type)] ?? 'float64') }
    })
}

/** `by=layer` tables have no column for variables. */
export function wantedBy(by: 'layer' | 'variable'): (name: string) => boolean {
  return name => by === 'variable' || name !== 'variable'
}
