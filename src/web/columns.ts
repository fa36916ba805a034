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
  const [head, ...lines] = (await answer.text()).trimEnd().split('\n')
  const at = new Map(head.split(',').map((name, i) => [name, i]))
  const rows = lines.map(cells)
  const numbered = numbers.map(name => {
    const i = at.get(name)!
    return [name, Float64Array.from(rows, row => (row[i] === '' ? Number.NaN : Number(row[i])))]
  })
  const texted = texts.map(name => [name, rows.map(row => row[at.get(name)!])])
  return Object.assign({ length: rows.length }, Object.fromEntries([...numbered, ...texted]))
}

/** The cells of a line (RFC 4180). Names of layers have no line ends. */
function cells(line: string): string[] {
  if (!line.includes('"')) return line.split(',')
  return Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  )
}
