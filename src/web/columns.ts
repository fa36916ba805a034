/** A table of which few columns are wanted: as Arrow, which is sent and read in a fraction of the time of text. */
import { type Names, readArrow } from './arrow.ts'
import { ledger } from './ledger.ts'

/** Columns by name: `numbers` as numbers (NaN where there is none), `texts` as names that repeat. */
export async function readColumns<N extends string, T extends string>(
  path: string,
  query: Record<string, string | number | readonly string[]>,
  { numbers, texts, signal }: { numbers: readonly N[]; texts: readonly T[]; signal?: AbortSignal },
): Promise<{ length: number } & Record<N, Float64Array | Int32Array> & Record<T, Names>> {
  const answer = await ledger.http.send(path, {
    query: { ...query, format: 'arrow', column: [...numbers, ...texts] },
    ...(signal && { signal }),
  })
  const { length, columns } = readArrow(await answer.arrayBuffer())
  return { ...columns, length } as Awaited<ReturnType<typeof readColumns<N, T>>>
}
