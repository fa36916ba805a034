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
  const found = head.map((): (string | number)[] => [])
  const isText = head.map(name => (texts as readonly string[]).includes(name))
  const last = head.length - 1
  // Names repeat: each is kept once.
  const names = new Map<string, string>()
  for (let at = end + 1; at < text.length; )
    for (let column = 0; column <= last; column++) {
      let cell: string
      let next: number
      if (isText[column] && text[at] === '"') [cell, next] = quoted(text, at)
      else {
        const stop = text.indexOf(column === last ? '\n' : ',', at)
        cell = text.slice(at, stop)
        next = stop + 1
      }
      at = next
      if (!isText[column]) found[column].push(cell === '' ? Number.NaN : Number(cell))
      else {
        const name = names.get(cell)
        if (name === undefined) names.set(cell, cell)
        found[column].push(name ?? cell)
      }
    }
  const of = (name: string) => found[head.indexOf(name)]
  return Object.assign(
    { length: found[0].length },
    Object.fromEntries([
      ...numbers.map(name => [name, Float64Array.from(of(name) as number[])]),
      ...texts.map(name => [name, of(name) as string[]]),
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
