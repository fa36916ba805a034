/** The curves of experiments that are laid over each other, as the address names them, and how they are read. */
import type { ExperimentListItem } from '../../clients/typescript/src/index.ts'
import { readColumns } from './columns.ts'
import { ledger } from './ledger.ts'
import type { Split } from './look.ts'

export const mostOverlaid = 50
/** Points of a curve: fifty of them share a screen. */
const points = 240
/** Curves that are asked for at once. */
const atOnce = 6

export type Measure = 'loss' | 'helpFractionOfMoved'
export type Overlay = { ids: string[]; sweep: string | undefined; split: Split; measure: Measure }
export type Curve = { item: ExperimentListItem; iteration: ArrayLike<number>; values: ArrayLike<number> }
export type Overlaid = {
  curves: Curve[]
  /** Of which there is nothing on this split, yet. */
  without: ExperimentListItem[]
  /** Whether the sweep has more of them. */
  more: boolean
}

export const overlayOf = (query: URLSearchParams): Overlay => ({
  ids: query.getAll('id').slice(0, mostOverlaid),
  sweep: query.get('sweep') ?? undefined,
  split: query.get('split') === 'validation' ? 'validation' : 'train',
  measure: query.get('measure') === 'helpFractionOfMoved' ? 'helpFractionOfMoved' : 'loss',
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
  // Where the address names them, their curves need not wait for what they are called.
  const [{ items, nextCursor }, rows] = await Promise.all([
    listed,
    sweep === undefined
      ? readEach(ids, overlay, signal)
      : listed.then(({ items }) =>
          readEach(
            items.map(({ id }) => id),
            overlay,
            signal,
          ),
        ),
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

/** The curves by id; none where the experiment is gone, does not allocate this split, or has nothing yet. */
async function readEach(
  ids: string[],
  { split, measure }: Overlay,
  signal?: AbortSignal,
): Promise<Map<string, Pick<Curve, 'iteration' | 'values'>>> {
  const found = new Map<string, Pick<Curve, 'iteration' | 'values'>>()
  const left = ids.values()
  const work = async () => {
    for (const id of left) {
      const wanted = { numbers: ['iteration', measure], texts: [], ...(signal && { signal }) } as const
      const path = `/v1/experiments/${encodeURIComponent(id)}/iterations`
      const rows = await readColumns(path, { split, points }, wanted).catch(error => {
        if (![400, 404].includes(Object(error).status)) throw error
      })
      if (rows && rows.length > 0) found.set(id, { iteration: rows.iteration, values: rows[measure] })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return found
}
