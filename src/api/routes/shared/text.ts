/** Tables as text: JSON, newline-delimited JSON, CSV. */
import type { Cell, Table } from './table.ts'

export async function* jsonChunks({ head, columns, batches }: Table): AsyncGenerator<string, void> {
  const start = JSON.stringify(head).slice(0, -1)
  let text = `${start}${start === '{' ? '' : ','}"items":[`
  const writeRow = jsonRowWriter(columns)
  let separator = '\n'
  for await (const rows of batches) {
    for (const row of rows) {
      text += separator + writeRow(row)
      separator = ',\n'
    }
    yield text
    text = ''
  }
  yield `${text}\n]}\n`
}

export async function* ndjsonChunks({ columns, batches }: Table): AsyncGenerator<string, void> {
  const writeRow = jsonRowWriter(columns)
  for await (const rows of batches) {
    let text = ''
    for (const row of rows) text += writeRow(row) + '\n'
    if (text !== '') yield text
  }
}

/** `safe`: for spreadsheets, which compute what begins like a formula; an apostrophe before it makes it text. */
export async function* csvChunks(
  { columns, batches }: Table,
  { safe }: { safe: boolean },
): AsyncGenerator<string, void> {
  const inCsv = safe ? (cell: Cell) => csvText(harmless(cell)) : csvText
  let text = `${columns.map(({ name }) => csvText(name)).join(',')}\n`
  const isText = columns.map(({ type }) => type === 'name')
  for await (const rows of batches) {
    for (const row of rows) {
      for (let i = 0; i < columns.length; i++) {
        if (i > 0) text += ','
        text += isText[i] ? inCsv(row[i]) : (numberText(row[i]) ?? '')
      }
      text += '\n'
    }
    yield text
    text = ''
  }
  if (text !== '') yield text
}

/** A row as a JSON object. */
function jsonRowWriter(columns: Table['columns']): (row: Cell[]) => string {
  const keys = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`)
  const isText = columns.map(({ type }) => type === 'name')
  // Names repeat.
  const quoted = new Map<Cell, string>()
  return row => {
    let text = ''
    for (let i = 0; i < keys.length; i++) {
      const cell = row[i]
      text += keys[i]
      if (!isText[i]) {
        text += numberText(cell) ?? 'null'
        continue
      }
      let name = quoted.get(cell)
      if (name === undefined) {
        name = JSON.stringify(cell)
        quoted.set(cell, name)
      }
      text += name
    }
    return text + '}'
  }
}

const nine = '9'.charCodeAt(0)

/** A number as JSON writes it; undefined where it is none, or not finite. */
function numberText(cell: Cell): string | undefined {
  if (cell === null) return undefined
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : undefined
  // NaN, Infinity and -Infinity are what Postgres writes in letters; any other number ends in a digit.
  return cell.charCodeAt(cell.length - 1) > nine ? undefined : cell
}

const harmless = (cell: Cell) => (typeof cell === 'string' && /^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell)

/** RFC 4180, with line feeds alone. */
function csvText(cell: Cell): string {
  if (cell === null) return ''
  const text = String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
