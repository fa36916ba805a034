/** Tables as text: JSON, newline-delimited JSON, CSV. */
import { turn } from '../../turns.ts'
import type { Batch, Column, Table } from './table.ts'

/** Rows of a piece of text: a few milliseconds of work, about 100 kB. */
const pieceRows = 500

export async function* jsonChunks({ head, columns, batches }: Table): AsyncGenerator<string, void> {
  const start = JSON.stringify(head).slice(0, -1)
  let text = `${start}${start === '{' ? '' : ','}"items":[`
  let separator = '\n'
  for await (const { batch, from, to } of pieces(batches)) {
    const write = jsonRowWriter(columns, batch)
    for (let row = from; row < to; row++) {
      text += separator + write(row)
      separator = ',\n'
    }
    yield text
    text = ''
  }
  yield `${text}\n]}\n`
}

export async function* ndjsonChunks({ columns, batches }: Table): AsyncGenerator<string, void> {
  for await (const { batch, from, to } of pieces(batches)) {
    const write = jsonRowWriter(columns, batch)
    let text = ''
    for (let row = from; row < to; row++) text += write(row) + '\n'
    yield text
  }
}

/** `safe`: for spreadsheets, which compute what begins like a formula; an apostrophe before it makes it text. */
export async function* csvChunks(
  { columns, batches }: Table,
  { safe }: { safe: boolean },
): AsyncGenerator<string, void> {
  const nameText = safe ? (name: string | null) => csvText(harmless(name)) : csvText
  let text = `${columns.map(({ name }) => csvText(name)).join(',')}\n`
  for await (const { batch, from, to } of pieces(batches)) {
    const cells = columns.map(column => cellWriter(column, batch, nameText, ''))
    for (let row = from; row < to; row++) {
      for (let i = 0; i < cells.length; i++) {
        if (i > 0) text += ','
        text += cells[i](row)
      }
      text += '\n'
    }
    yield text
    text = ''
  }
  if (text !== '') yield text
}

/** The batches in pieces, each in a turn of the event loop of its own. */
async function* pieces(batches: Table['batches']) {
  for await (const batch of batches)
    for (let from = 0; from < batch.length; from += pieceRows) {
      await turn()
      yield { batch, from, to: Math.min(batch.length, from + pieceRows) }
    }
}

/** Rows of a batch as JSON objects. */
function jsonRowWriter(columns: Column[], batch: Batch): (row: number) => string {
  const keys = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`)
  const cells = columns.map(column => cellWriter(column, batch, JSON.stringify, 'null'))
  return row => {
    let text = ''
    for (let i = 0; i < keys.length; i++) text += keys[i] + cells[i](row)
    return text + '}'
  }
}

/** Cells of a column as text; `missing` where there is no number. */
function cellWriter(
  { name }: Column,
  { values }: Batch,
  nameText: (name: string | null) => string,
  missing: string,
): (row: number) => string {
  const column = values[name]
  if ('names' in column) {
    // Names repeat.
    const texts: string[] = []
    const { indices, names } = column
    return row => {
      const index = indices[row]
      texts[index] ??= nameText(names[index])
      return texts[index]
    }
  }
  return row => {
    const value = column[row]
    if (value === 0) return Object.is(value, -0) ? '-0' : '0'
    return Number.isFinite(value) ? String(value) : missing
  }
}

const harmless = (name: string | null) => (name !== null && /^[=+\-@\t\r\n]/.test(name) ? `'${name}` : name)

/** RFC 4180, with line feeds alone. */
function csvText(name: string | null): string {
  const text = name ?? ''
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
