/** The curves of experiments that are laid over each other, as the address names them, and how they are read. */
import type { ExperimentListItem } from '../../clients/typescript/src/index.ts'
import { lossCurve } from '../figures/losses.ts'
import { readColumns } from './columns.ts'
import type { Rows } from './grouped.ts'
import { ledger } from './ledger.ts'
import type { Split } from './look.ts'

export const mostOverlaid = 50
/** Points of a curve: fifty of them share a screen. */
const points = 240
/** Rows of all runs together that are read whole where means are made of them; of more, `mostPoints` of each run at most. */
const mostRows = 1_000_000
/** As many as the API gives of one. */
export const mostPoints = 10_000
export type Measure = 'loss' | 'helpFractionOfMoved'
export type Overlay = {
  ids: string[]
  sweep: string | undefined
  split: Split
  measure: Measure
  /** Whether means over runs are wanted, which need every row: those that a screen needs of a curve are its extremes. */
  means: boolean
}
export type Curve = { item: ExperimentListItem } & Rows
export type Overlaid = {
  curves: Curve[]
  /** Of which there is nothing on this split, yet. */
  without: ExperimentListItem[]
  /** Whether the sweep has more of them. */
  more: boolean
}

/** Whether a text of the address says what runs are grouped by: variant, tags.KEY, or spec.FIELD. */
export const isGrouping = (by: string | null): by is string =>
  by !== null && /^(variant$|tags\.|spec\.)/.test(by)

export const overlayOf = (query: URLSearchParams): Overlay => ({
  ids: query.getAll('id').slice(0, mostOverlaid),
  sweep: query.get('sweep') ?? undefined,
  split: query.get('split') === 'validation' ? 'validation' : 'train',
  measure: query.get('measure') === 'helpFractionOfMoved' ? 'helpFractionOfMoved' : 'loss',
  means: isGrouping(query.get('group')),
})

export async function readOverlaid(overlay: Overlay, signal?: AbortSignal): Promise<Overlaid> {
  const { ids, sweep } = overlay
  if (ids.length === 0 && sweep === undefined) return { curves: [], without: [], more: false }
  const listed = ledger.http.json<{ items: ExperimentListItem[]; nextCursor: string | null }>(
    '/v1/experiments',
    {
      query: { ...(sweep === undefined ? { id: ids } : { sweep }), limit: mostOverlaid },
      ...(signal && { signal }),
    },
  )
  const readListed = async () => {
    const { items } = await listed
    const most = overlay.means ? pointsOf(items) : points
    const names = items.map(({ id }) => id)
    const rows = await readRows(names, overlay, most, signal)
    for (const { id, iterations } of items) {
      const own = rows.get(id)
      if (own && most !== undefined && iterations > most) own.thinned = true
    }
    return rows
  }
  // Where the address names them, their curves need not wait for what they are called, unless some of them are gone.
  const readNamed = () =>
    readRows(ids, overlay, points, signal).catch(error => {
      if (Object(error).status !== 404) throw error
      return readListed()
    })
  const [{ items, nextCursor }, rows] = await Promise.all([
    listed,
    sweep === undefined && !overlay.means ? readNamed() : readListed(),
  ])
  const curves: Curve[] = []
  const without: ExperimentListItem[] = []
  for (const item of items) {
    const own = rows.get(item.id)
    if (own) curves.push({ item, ...own })
    else without.push(item)
  }
  return { curves, without, more: nextCursor !== null }
}

/** How many rows of each are asked for; undefined: all there are. */
const pointsOf = (items: ExperimentListItem[]) =>
  items.reduce((sum, { iterations }) => sum + iterations, 0) <= mostRows ? undefined : mostPoints

/** The curves by id, with one request; none where nothing is there yet of this split. */
async function readRows(
  ids: string[],
  { split, measure }: Overlay,
  most: number | undefined,
  signal?: AbortSignal,
): Promise<Map<string, Rows>> {
  const found = new Map<string, Rows>()
  if (ids.length === 0) return found
  const wanted = {
    numbers: measure === 'loss' ? ['iteration', measure, 'lossAfter'] : ['iteration', measure],
    texts: ['experiment'],
    ...(signal && { signal }),
  } as const
  const query = { id: ids, split, ...(most !== undefined && { points: most }) }
  const table = await readColumns('/v1/experiments/iterations', query, wanted).catch(error => {
    // None of them allocates this split.
    if (Object(error).status !== 400) throw error
  })
  if (!table) return found
  const { experiment, iteration, [measure]: values, lossAfter, length } = table
  // Rows of an experiment follow one another.
  for (let from = 0, to = 1; from < length; from = to++) {
    while (to < length && experiment.indices[to] === experiment.indices[from]) to++
    const part = (column: Float64Array | Int32Array) => column.subarray(from, to)
    const own = { iteration: part(iteration), values: part(values) }
    found.set(
      experiment.names[experiment.indices[from]],
      measure === 'loss'
        ? lossCurve({ iteration: own.iteration, loss: own.values, lossAfter: part(lossAfter) })
        : own,
    )
  }
  return found
}
