/** What its owner may change of an experiment whenever they like: name, tags, notes. */
import { type Database, transaction } from './database.ts'

/** What is to be different; what is absent stays. null takes a name, a tag or the notes away. */
export type Edit = {
  name?: string | null
  tags?: Record<string, string | null>
  notes?: string | null
}

/** Tags that an experiment may have, as in a spec. */
export const mostTags = 50

/**
 * edited: it is so now. unchanged: it was so before. stale: it has been edited since `edits` was read, and nothing was
 * changed. crowded: it would have more than mostTags tags.
 */
export type EditOutcome = 'edited' | 'unchanged' | 'stale' | 'crowded' | 'missing'

/** Edits one experiment, whole or not at all. `allowed`: whether it may, by how often it was edited before; always if absent. */
export function editExperiment(
  { pool }: Pick<Database, 'pool'>,
  id: string,
  edit: Edit,
  allowed: (edits: number) => boolean = () => true,
): Promise<EditOutcome> {
  return transaction(pool, async client => {
    type Found = {
      name: string | null
      tags: Record<string, string>
      notes: string | null
      edits: number
    }
    const { rows } = await client.query<Found>(
      'SELECT name, tags, notes, edits FROM experiments WHERE id = $1 FOR NO KEY UPDATE',
      [id],
    )
    const [before] = rows
    if (before === undefined) return 'missing'
    if (!allowed(before.edits)) return 'stale'
    const tags = new Map(Object.entries(before.tags))
    for (const [key, value] of Object.entries(edit.tags ?? {}))
      if (value === null) tags.delete(key)
      else tags.set(key, value)
    if (tags.size > mostTags && tags.size > Object.keys(before.tags).length) return 'crowded'
    const after = {
      name: edit.name === undefined ? before.name : edit.name,
      tags: JSON.stringify(Object.fromEntries(tags)),
      notes: edit.notes === undefined ? before.notes : edit.notes,
    }
    if (
      after.name === before.name &&
      after.notes === before.notes &&
      after.tags === JSON.stringify(before.tags)
    )
      return 'unchanged'
    await client.query(
      `UPDATE experiments SET name = $2, tags = $3, notes = $4, edits = edits + 1, updated_at = now() WHERE id = $1`,
      [id, after.name, after.tags, after.notes],
    )
    return 'edited'
  })
}
