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
  const all = cells((await answer.text()).replace(/\n$/, ''))
  const width = numbers.length + texts.length
  const length = all.length / width - 1
  const placeOf = (name: string) => width + all.indexOf(name)
  const numbered = numbers.map(name => {
    const values = new Float64Array(length)
    for (let row = 0, at = placeOf(name); row < length; row++, at += width)
      values[row] = all[at] === '' ? Number.NaN : Number(all[at])
    return [name, values]
  })
  const texted = texts.map(name => {
    const at = placeOf(name)
    return [name, Array.from({ length }, (_, row) => all[at + row * width])]
  })
  return Object.assign({ length }, Object.fromEntries([...numbered, ...texted]))
}

/** The cells of all lines, one after the other (RFC 4180): names of layers have no line ends. */
function cells(text: string): string[] {
  if (!text.includes('"')) return text.replaceAll('\n', ',').split(',')
  return text
    .split('\n')
    .flatMap(line =>
      Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
        quoted === undefined ? plain : quoted.replaceAll('""', '"'),
      ),
    )
}
