/** In what the specs of some experiments differ. */
import type { ExperimentListItem } from '../../clients/typescript/src/index.ts'
import { differencesOf, type SpecDifference } from '../spec/differences.ts'
import { ledger } from './ledger.ts'

/** What of specs runs can differ in so that it may say which belong together. */
const roots = ['dataset', 'architecture', 'loss', 'optimizer', 'layers', 'training', 'allocation']

/** In which fields the resolved specs of these experiments differ; values in the order of the experiments. */
export async function readDifferences(ids: string[], signal: AbortSignal): Promise<SpecDifference[]> {
  if (ids.length < 2) return []
  const { items } = await ledger.http.json<{ items: ExperimentListItem[] }>('/v1/experiments', {
    query: { id: ids, limit: ids.length, field: roots.map(root => `spec.${root}`) },
    signal,
  })
  const specOf = (id: string) => {
    const values = items.find(item => item.id === id)?.values
    return Object.fromEntries(roots.map(root => [root, values?.[`spec.${root}`] ?? undefined]))
  }
  return differencesOf(ids.map(specOf)).differences
}
