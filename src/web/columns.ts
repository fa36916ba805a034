/** A table of which few columns are wanted: as CSV, which is sent and read in a fraction of the time of rows of JSON. */
import { ledger } from './ledger.ts'

/** Columns by name; those of `texts` as they are, all others as numbers (NaN where there is none). */
export async function readColumns<N extends string, T extends string>(
  path: string,
  query: Record<string, string | number>,
  { numbers, texts, signal }: { numbers: readonly N[]; texts: readonly T[]; signal?: AbortSignal },
): Promise<{ length: number } & Record<N, Float64Array> & Record<T, string[]>> {
  const answer = await ledger.http.send(path, {
    query: { ...query, format: 'csv', column: [...numbers, ...texts] },
    ...(signal && { signal }),
  })
  const text = await answer.text()
  const end = text.indexOf('\n')
  const head = text.slice(0, end).split(',')
  const found = new Map<string, (string | number)[]>(head.map(name => [name, []]))
  // Names repeat: each is kept once.
  const names = new Map<string, string>()
  const readers = head.map((name, column) => {
    const isText = (texts as readonly string[]).includes(name)
    const cells = found.get(name)!
    const behind = column === head.length - 1 ? '\n' : ','
    return (at: number): number => {
      if (isText && text[at] === '"') {
        const [cell, next] = quoted(text, at)
        cells.push(cell)
        return next
      }
      const stop = text.indexOf(behind, at)
      const cell = text.slice(at, stop)
      if (!isText) cells.push(cell === '' ? Number.NaN : Number(cell))
      else {
        if (!names.has(cell)) names.set(cell, cell)
        cells.push(names.get(cell)!)
      }
      return stop + 1
    }
  })
  let length = 0
  for (let at = end + 1; at < text.length; length++) for (const read of readers) at = read(at)
  return Object.assign(
    { length },
    Object.fromEntries([
      ...numbers.map(name => [name, Float64Array.from(found.get(name) as number[])]),
      ...texts.map(name => [name, found.get(name) as string[]]),
    ]),
  )
}

/** A cell in quotes (RFC 4180) that begins at `at`, and where the next one begins. */
function quoted(text: string, at: number): [cell: string, next: number] {
  let end = at + 1
  for (;;) {
    end = text.indexOf('"', end)
    if (text[end + 1] !== '"') break
    end += 2
  }
  return [text.slice(at + 1, end).replaceAll('""', '"'), end + 2]
}
