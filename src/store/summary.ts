/** The end of an experiment: whether anything is missing, its totals, its manifest. */

import type { Evaluation } from '../lca/ends.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import type { SplitName } from '../spec/schema.ts'
import { layerUnits } from '../spec/units.ts'
import { recordArtifacts, type StoredArtifact } from './artifacts.ts'
import { booksSql, judgeSplits, type StoredBooks, type UnbalancedSplits } from './books.ts'
import { type Database, transaction } from './database.ts'
import type { ExperimentState } from './state.ts'

/** One split of a finished experiment. The sums are over every variable and iteration. */
export type SplitSummary = {
  loss: { initial: number; final: number }
  accuracy: { initial: number; final: number }
  lca: number
  helping: number
  hurting: number
  /** Σ helped / Σ (helped + hurt): of the allocations that are not zero. null where all are. */
  helpFractionOfMoved: number | null
  /** Σ helped / (parameters × iterations). */
  helpFractionOfAll: number
  /** The largest |residual| of any iteration. */
  worstResidual: number
}

/** What finalize leaves in experiments.summary. */
export type Summary = {
  parameters: number
  iterations: number
  splits: Partial<Record<SplitName, SplitSummary>>
  /** What is wrong with the books, by split; null where they balance. */
  unbalanced: UnbalancedSplits
  /** Full-split gradients computed, over all splits. */
  gradients: number
  /** Of computing, summed over the segments (which may have been computed at the same time). */
  allocationSeconds: number
}

type Totals = Omit<Summary, 'splits' | 'unbalanced'> & {
  splits: Record<string, Omit<SplitSummary, 'loss' | 'accuracy'>>
}

/** The indices of the segments whose rows are not all there; [] where nothing is missing. */
export async function incompleteSegments(db: Database, id: string, spec: ResolvedSpec): Promise<number[]> {
  const { rows } = await db.pool.query<{ index: number }>(
    `SELECT s."index"
     FROM segments s
     WHERE s.experiment_id = $1 AND (
       s.status <> 'allocated'
       OR (s."to" - s."from") * cardinality($2::text[]) <>
          (SELECT count(*) FROM iterations i
            WHERE i.experiment_id = $1 AND i.split = ANY ($2)
              AND i.iteration >= s."from" AND i.iteration < s."to")
       OR (s."to" - s."from") * cardinality($2::text[])
            * (SELECT count(*) FROM variables WHERE experiment_id = $1) <>
          (SELECT count(*) FROM allocations a
            WHERE a.experiment_id = $1 AND a.split = ANY ($2)
              AND a.iteration >= s."from" AND a.iteration < s."to")
       OR ((s."from" = 0)::int + (s."to" = $3)::int) * cardinality($2::text[]) <> jsonb_array_length(s.evaluations))
     ORDER BY s."index"`,
    [id, spec.allocation.splits, spec.training.iterations],
  )
  return rows.map(row => row.index)
}

/** The sums over an experiment's ledger, each in one order: the same rows give the same bits. */
async function totals(db: Database, id: string): Promise<Totals> {
  const { rows } = await db.pool.query<{
    split: string
    lca: number
    helping: number
    hurting: number
    helped: number
    hurt: number
    worstResidual: number
    iterations: number
    parameters: number
    gradients: number
    seconds: number
  }>(
    `WITH size AS (SELECT sum(size)::float8 AS parameters FROM variables WHERE experiment_id = $1),
          work AS (SELECT sum(gradients)::float8 AS gradients, sum(seconds) AS seconds
                   FROM segments WHERE experiment_id = $1),
          parts AS (SELECT split, sum(helping ORDER BY iteration, variable) AS helping,
                           sum(hurting ORDER BY iteration, variable) AS hurting
                    FROM allocations WHERE experiment_id = $1 GROUP BY split)
     SELECT i.split, sum(i.lca ORDER BY i.iteration) AS lca, p.helping, p.hurting,
            sum(i.helped)::float8 AS helped, sum(i.hurt)::float8 AS hurt,
            max(abs(i.residual)) AS "worstResidual",
            count(*)::int AS iterations, s.parameters, w.gradients, w.seconds
     FROM iterations i JOIN parts p USING (split), size s, work w
     WHERE i.experiment_id = $1
     GROUP BY i.split, p.helping, p.hurting, s.parameters, w.gradients, w.seconds
     ORDER BY i.split`,
    [id],
  )
  if (rows.length === 0) throw new Error(`experiment ${id} has no iterations`)
  const [{ parameters, iterations, gradients, seconds }] = rows
  const splits = rows.map(({ split, lca, helping, hurting, helped, hurt, worstResidual }) => {
    const helpFractionOfMoved = helped + hurt > 0 ? helped / (helped + hurt) : null
    const helpFractionOfAll = helped / (parameters * iterations)
    return [split, { lca, helping, hurting, helpFractionOfMoved, helpFractionOfAll, worstResidual }]
  })
  return {
    ...{ parameters, iterations, gradients, allocationSeconds: seconds },
    splits: Object.fromEntries(splits),
  }
}

/** What is to be known of an experiment whose segments are all allocated and complete. */
export async function summarise(
  db: Database,
  id: string,
  { training, allocation }: ResolvedSpec,
): Promise<Summary> {
  const { splits, ...rest } = await totals(db, id)
  const { rows: books } = await db.pool.query<{ books: StoredBooks }>(
    `SELECT ${booksSql('true')} AS books FROM experiments e WHERE id = $1`,
    [id],
  )
  const { rows } = await db.pool.query<Evaluation>(
    `SELECT found.* FROM segments, jsonb_to_recordset(evaluations)
       AS found (split text, iteration int, loss float8, accuracy float8)
     WHERE experiment_id = $1`,
    [id],
  )
  const at = (split: string, iteration: number): Evaluation => {
    const found = rows.find(row => row.split === split && row.iteration === iteration)
    if (found === undefined) throw new Error(`split ${split} was not evaluated at iteration ${iteration}`)
    return found
  }
  const complete = Object.entries(splits).map(([split, sums]): [string, SplitSummary] => {
    const initial = at(split, 0)
    const final = at(split, training.iterations)
    return [
      split,
      {
        loss: { initial: initial.loss, final: final.loss },
        accuracy: { initial: initial.accuracy, final: final.accuracy },
        ...sums,
      },
    ]
  })
  const unbalanced = judgeSplits(books[0]?.books ?? null, allocation)
  return { ...rest, splits: Object.fromEntries(complete), unbalanced }
}

/** manifest.json: everything one needs to read an experiment's objects without this service. */
export type Manifest = {
  format: 1
  experiment: string
  spec: ResolvedSpec
  parameters: number
  /** In the column order of the tensors. */
  variables: { name: string; layer: string; shape: number[]; offset: number; size: number }[]
  /** The layers' units in the column order of neurons/{split}/{from}-{to}.npy. */
  neurons: { layer: string; offset: number; units: number }[]
  /** Who allocated each, and who trained it: made the weights that are stored (null: an earlier version did not say). */
  segments: { from: number; to: number; worker: string | null; engine: unknown; trainedBy: unknown }[]
  objects: StoredArtifact[]
}

/** Reads a manifest out of Postgres; `objects` are those that stay. */
export async function makeManifest(
  db: Database,
  id: string,
  { spec }: Pick<ExperimentState, 'spec'>,
  objects: StoredArtifact[],
): Promise<Manifest> {
  const variables = await db.prisma.variable.findMany({
    where: { experimentId: id },
    orderBy: { index: 'asc' },
    select: { name: true, layer: true, shape: true, offset: true, size: true },
  })
  const segments = await db.prisma.segment.findMany({
    where: { experimentId: id },
    orderBy: { index: 'asc' },
    select: { from: true, to: true, worker: true, engine: true, trainedBy: true },
  })
  const parameters = variables.reduce((sum, { size }) => sum + size, 0)
  const neurons = layerUnits(variables).map(({ layer, offset, units }) => ({ layer, offset, units }))
  return { format: 1, experiment: id, spec, parameters, variables, neurons, segments, objects }
}

/** The objects that Postgres has of an experiment, by name. */
export async function readArtifacts(db: Database, id: string): Promise<StoredArtifact[]> {
  const found = await db.prisma.artifact.findMany({ where: { experimentId: id }, orderBy: { name: 'asc' } })
  return found.map(({ name, bytes, sha256, contentType }) => ({
    name,
    bytes: Number(bytes),
    sha256,
    contentType,
  }))
}

// In one order: the same rows give the same bits.
const variableTotalsSql = `
  INSERT INTO variable_totals
  SELECT experiment_id, split, variable, count(*)::int,
         sum(lca ORDER BY iteration), sum(helping ORDER BY iteration), sum(hurting ORDER BY iteration),
         sum(squared ORDER BY iteration), sum(helped)::float8, sum(hurt)::float8
    FROM allocations WHERE experiment_id = $1
   GROUP BY 1, 2, 3
      ON CONFLICT DO NOTHING`

/**
 * Says 'succeeded', with the summary and the objects that stay, in one transaction. Says whether the experiment was still
 * wanted, and every segment still allocated.
 */
export function finishExperiment(
  db: Database,
  id: string,
  summary: Summary,
  objects: StoredArtifact[],
): Promise<boolean> {
  return transaction(db.pool, async client => {
    // Whoever records a segment, or takes one back, is through before this looks at them.
    await client.query('SELECT FROM experiments WHERE id = $1 FOR UPDATE', [id])
    const { rows: open } = await client.query(
      `SELECT FROM segments WHERE experiment_id = $1 AND status <> 'allocated' LIMIT 1`,
      [id],
    )
    if (open.length > 0) return false
    const { rowCount } = await client.query(
      `UPDATE experiments SET status = 'succeeded', summary = $2, finished_at = now(), updated_at = now()
       WHERE id = $1 AND status = 'allocating' AND NOT cancelling`,
      [id, JSON.stringify(summary)],
    )
    if (rowCount === 0) return false
    await client.query(variableTotalsSql, [id])
    await client.query('DELETE FROM artifacts WHERE experiment_id = $1 AND name <> ALL ($2)', [
      id,
      objects.map(object => object.name),
    ])
    await recordArtifacts(client, id, objects)
    return true
  })
}
