/** Everything that is stored of an experiment and must not depend on what happened while it was computed. */
import { createHash } from 'node:crypto'
import { type Objects, objectKey } from '../../src/objects/objects.ts'
import type { Database } from '../../src/store/database.ts'

export type Snapshot = {
  /** Rows as Postgres prints them: float8 in the shortest digits that read back the same. */
  rows: Record<string, string[]>
  /** SHA-256 of the bytes in the object store, by name. */
  objects: Record<string, string>
}

/** manifest.json names experiment and workers; it is compared by what it says of the objects, which are here anyway. */
export async function takeSnapshot(db: Database, store: Objects, id: string): Promise<Snapshot> {
  const rows = async (sql: string) =>
    (await db.pool.query<{ line: string }>(`SELECT row(${sql}`, [id])).rows.map(({ line }) => line)
  const artifacts = await db.prisma.artifact.findMany({
    where: { experimentId: id },
    orderBy: { name: 'asc' },
  })
  const objects: Record<string, string> = {}
  for (const { name, sha256 } of artifacts) {
    const bytes = await store.read(objectKey(id, name))
    const found = createHash('sha256').update(bytes).digest('hex')
    if (found !== sha256) throw new Error(`${name} of ${id} is not what Postgres says it is`)
    objects[name] = name === 'manifest.json' ? 'present' : found
  }
  return {
    rows: {
      iterations: await rows(
        `split, iteration, loss_before, loss_after, lca, residual, splits, helped, hurt)::text AS line
         FROM iterations WHERE experiment_id = $1 ORDER BY split, iteration`,
      ),
      allocations: await rows(
        `split, iteration, variable, lca, helping, hurting, squared, moved, helped, hurt)::text AS line
         FROM allocations WHERE experiment_id = $1 ORDER BY split, iteration, variable`,
      ),
      variables: await rows(
        `"index", name, layer, shape, "offset", size)::text AS line
         FROM variables WHERE experiment_id = $1 ORDER BY "index"`,
      ),
      segments: await rows(
        `"index", "from", "to", status, done, gradients, evaluations::text)::text AS line
         FROM segments WHERE experiment_id = $1 ORDER BY "index"`,
      ),
      neurons: await rows(
        `split, segment, lca, helping, hurting)::text AS line
         FROM neuron_segments WHERE experiment_id = $1 ORDER BY split, segment`,
      ),
      totals: await rows(
        `split, variable, iterations, lca, helping, hurting, squared, helped, hurt)::text AS line
         FROM variable_totals WHERE experiment_id = $1 ORDER BY split, variable`,
      ),
      // Every table there is, those of diagnostics too, by its bytes.
      blocks: await rows(
        `kind, split, "from", "to", columns, length(data), md5(data))::text AS line
         FROM ledger_blocks WHERE experiment_id = $1 ORDER BY kind, split, "from"`,
      ),
      experiment: await rows(
        `status, trained, (summary - 'allocationSeconds')::text, findings::text, error)::text AS line
         FROM experiments WHERE id = $1`,
      ),
    },
    objects,
  }
}

export type Difference = { lost: number; extra: number; different: number; notes: string[] }

/** What is not as it was in the undisturbed run. */
export function compare(expected: Snapshot, actual: Snapshot): Difference {
  const difference: Difference = { lost: 0, extra: 0, different: 0, notes: [] }
  const count = (what: string, before: string[], now: string[]) => {
    difference.lost += Math.max(0, before.length - now.length)
    difference.extra += Math.max(0, now.length - before.length)
    const wrong = before.filter((line, i) => i < now.length && line !== now[i])
    difference.different += wrong.length
    if (wrong.length > 0 || before.length !== now.length)
      difference.notes.push(`${what}: ${before.length} rows, now ${now.length}, ${wrong.length} different`)
  }
  for (const [table, lines] of Object.entries(expected.rows)) count(table, lines, actual.rows[table])
  const lines = (objects: Record<string, string>) => Object.entries(objects).map(pair => pair.join(' '))
  count('objects', lines(expected.objects), lines(actual.objects))
  return difference
}
