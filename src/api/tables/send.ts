/** Tables on the wire: rows come in batches and leave in the format that was asked for, never all in memory at once. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { negotiate } from '../http/accept.ts'
import { matchesEtag, weakEtag } from '../http/etag.ts'
import { addVary } from '../http/vary.ts'
import { invalidQuery } from '../problem.ts'
import { type TableFormat, tableFormats, unbalancedHeader } from '../schemas/tables.ts'
import { arrowChunks } from './arrow.ts'
import type { Table } from './table.ts'
import { csvChunks, jsonChunks, ndjsonChunks } from './text.ts'

type Chunks = (table: Table, options: { safe: boolean }) => AsyncGenerator<string | Uint8Array, void>
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
const layout = '5'

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
  type Query = { format?: TableFormat; safe?: boolean; column?: string[] }
  const { format: asked, safe = false, column } = request.query as Query
  const format = asked ?? formatOf[negotiate(request.headers.accept, mediaTypes)]
  const shown = column === undefined ? table : withColumns(table, column, format)
  reply.type(withCharset(tableFormats[format]))
  addVary(reply, 'accept', 'accept-encoding')
  reply.header('cache-control', 'private, no-cache')
  // A header has no place for the minus sign of sentences.
  if (table.warning !== undefined) reply.header(unbalancedHeader, table.warning.replaceAll('−', '-'))
  if (table.version !== undefined) {
    const etag = weakEtag(layout, table.version, format, request.url)
    reply.header('etag', etag)
    if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send(null)
  }
  // Fastify would read a stream to its end for a HEAD.
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  const chunks = writers[format](shown, { safe })
  const first = await chunks.next()
  // Bytes, not objects: a slow reader then holds back the queries, not a queue of batches.
  return reply.send(Readable.from(prepend(first, chunks), { objectMode: false }))
}

/** The table with some of its columns, in its own order. Throws 400 where one is none of them, or rows are to be whole. */
function withColumns(table: Table, wanted: string[], format: TableFormat): Table {
  if (format === 'json')
    throw invalidQuery('column', 'is for format=csv, ndjson and arrow: in JSON every row is whole')
  const unknown = wanted.find(name => !table.columns.some(column => column.name === name))
  if (unknown !== undefined)
    throw invalidQuery(
      'column',
      `there is no column ${unknown}; there are ${table.columns.map(({ name }) => name).join(', ')}`,
    )
  return { ...table, columns: table.columns.filter(({ name }) => wanted.includes(name)) }
}

async function* prepend<T>(first: IteratorResult<T, void>, rest: AsyncGenerator<T, void>) {
  if (!first.done) yield first.value
  yield* rest
}
