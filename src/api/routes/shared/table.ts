/** Tables on the wire: rows come in batches and leave as JSON or CSV, never all in memory at once. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { negotiate } from './accept.ts'

export type Cell = number | string | null

export type Table = {
  /** The fields of the JSON document before `items`; CSV has the items only. */
  head: Record<string, unknown>
  columns: string[]
  batches: AsyncIterable<Cell[][]> | Iterable<Cell[][]>
}

const formats = { 'application/json': jsonChunks, 'text/csv': csvChunks }
const mediaTypes = Object.keys(formats) as (keyof typeof formats)[]

/**
 * Answers with a table in the format that Accept asks for. The first batch is awaited before the answer begins, so a
 * query that fails at once is still a proper error; a later failure breaks the connection, which no client can mistake
 * for the end.
 */
export async function sendTable(
  request: FastifyRequest,
  reply: FastifyReply,
  table: Table,
): Promise<FastifyReply> {
  const type = negotiate(request.headers.accept, mediaTypes)
  reply.type(`${type}; charset=utf-8`).header('vary', 'accept').header('cache-control', 'no-cache')
  // Fastify would read a stream to its end for a HEAD.
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  const chunks = formats[type](table)
  const first = await chunks.next()
  // Bytes, not objects: a slow reader then holds back the queries, not a queue of batches.
  return reply.send(Readable.from(prepend(first, chunks), { objectMode: false }))
}

async function* prepend(first: IteratorResult<string, void>, rest: AsyncGenerator<string, void>) {
  if (!first.done) yield first.value
  yield* rest
}

async function* jsonChunks({ head, columns, batches }: Table): AsyncGenerator<string, void> {
  const start = JSON.stringify(head).slice(0, -1)
  let text = `${start}${start === '{' ? '' : ','}"items":[`
  const keys = columns.map((column, i) => `${i === 0 ? '{' : ','}${JSON.stringify(column)}:`)
  let separator = '\n'
  for await (const rows of batches) {
    for (const row of rows) {
      text += separator
      for (let i = 0; i < keys.length; i++) text += keys[i] + jsonCell(row[i])
      text += '}'
      separator = ',\n'
    }
    yield text
    text = ''
  }
  yield `${text}\n]}\n`
}

async function* csvChunks({ columns, batches }: Table): AsyncGenerator<string, void> {
  let text = `${columns.map(csvCell).join(',')}\n`
  for await (const rows of batches) {
    for (const row of rows) {
      text += csvCell(row[0])
      for (let i = 1; i < columns.length; i++) text += ',' + csvCell(row[i])
      text += '\n'
    }
    yield text
    text = ''
  }
  if (text !== '') yield text
}

function jsonCell(cell: Cell): string {
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : 'null'
  return JSON.stringify(cell)
}

/** RFC 4180, with line feeds alone. */
function csvCell(cell: Cell): string {
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : ''
  if (cell === null) return ''
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
