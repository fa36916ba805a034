/** The end of an experiment: whether anything is missing, its totals, its manifest. */

import type { Moments } from '../data/examples.ts'
import { judgeBooks, type Unbalanced } from '../lca/balance.ts'
import type { ColumnsKind } from '../lca/columns.ts'
import type { Evaluation } from '../lca/ends.ts'
import type { Finding } from '../lca/findings/finding.ts'
import { type Rows, rowsNamed } from '../objects/names.ts'
import { recordedBy } from '../spec/recording.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import { isSample, type Sample, sampleOf } from '../spec/sample.ts'
import type { SplitName } from '../spec/schema.ts'
import { layerUnits } from '../spec/units.ts'
import { recordArtifacts, type StoredArtifact } from './artifacts.ts'
import { type Queryable, readBlocks } from './blocks.ts'
import { type Limits, makeBooks, type UnbalancedSplits, unbalancedOnly } from './books.ts'
import { type Database, transaction } from './database.ts'
import { type EarlyFigures, type Figures, summariseDiagnostics } from './diagnostics.ts'
import { rewriteExperiment } from './earlier-rows.ts'
import { type FindingsSummary, findFindings, summariseFindings } from './findings.ts'
import { packMeasures } from './measures.ts'
import { rowBytes } from './packing.ts'
import { readSpread } from './sampling.ts'
import type { ExperimentState } from './state.ts'
import { storeTotals, sumLedger, type VariableTotals } from './totals.ts'

/** One split of a finished experiment. The sums are over every variable and iteration. */
export type SplitSummary = {
  /** Over so many examples of the split's `of` are the losses, accuracies and allocations; of earlier versions absent. */
  examples?: number
  of?: number
  loss: { initial: number; final: number }
  /** null where examples have no classes. */
  accuracy: { initial: number | null; final: number | null }
  lca: number
  /** Of lca, as an estimate for the whole split, where a sample of it was allocated; else null. */
  standardError?: number | null
  helping: number
  hurting: number
  /** Σ helped / Σ (helped + hurt): of the allocations that are not zero. null where all are. */
  helpFractionOfMoved: number | null
  /** Σ helped / (parameters × iterations). */
  helpFractionOfAll: number
  /** The largest |residual| of any iteration. */
  worstResidual: number
  /** Absent in experiments of before there were any. */
  diagnostics?: Figures
}

/** What finalize leaves in experiments.summary. */
export type Summary = {
  parameters: number
  iterations: number
  splits: Partial<Record<SplitName, SplitSummary>>
  /** What is wrong with the books, by split; null where they balance. */
  unbalanced: UnbalancedSplits
  /** Absent in experiments of before there were any. */
  findings?: FindingsSummary
  /** Where a policy ended training before it had the iterations that were `asked` for; else null. */
  ended?: { policy: 'stopOverfitting'; iterations: number; asked: number } | null
  /** Full-split gradients computed, over all splits. */
  gradients: number
  /** Of computing, summed over the segments (which may have been computed at the same time). */
  allocationSeconds: number
}

/** The indices of the segments whose rows are not all there; [] where nothing is missing. */
export async function incompleteSegments(db: Database, id: string, spec: ResolvedSpec): Promise<number[]> {
  // What an earlier version recorded before it was replaced.
  await rewriteExperiment(db, id, { pause: false })
  const { rows: segments } = await db.pool.query<{ index: number; from: number; to: number; whole: boolean }>(
    `SELECT "index", "from", "to",
            status = 'allocated' AND jsonb_array_length(evaluations)
              = (("from" = 0)::int + ("to" = $3)::int) * cardinality($2::text[]) AS whole
       FROM segments WHERE experiment_id = $1 ORDER BY "index"`,
    [id, spec.allocation.splits, spec.training.iterations],
  )
  const { rows: blocks } = await db.pool.query<{
    kind: string
    split: SplitName
    from: number
    to: number
    columns: string[]
    bytes: number
  }>(
    `SELECT kind, split, "from", "to", columns, octet_length(data) AS bytes FROM ledger_blocks
      WHERE experiment_id = $1 ORDER BY "from"`,
    [id],
  )
  const variables = await readVariables(db, id)
  const units = layerUnits(variables).reduce((sum, layer) => sum + layer.units, 0)
  const layers = new Set(variables.map(({ layer }) => layer)).size
  const facts = { variables: variables.length, layers, units }
  const tables = new Map(
    recordedBy(spec)
      .flatMap(({ diagnostic }) => diagnostic.tables)
      .filter(({ of }) => of !== 'run')
      .map(table => [table.kind, table]),
  )
  const rowsOf: Record<ColumnsKind, (iterations: number, split: SplitName) => number> = {
    iterations: iterations => iterations,
    allocations: iterations => iterations * variables.length,
    neurons: () => units,
    errors: iterations => iterations * (layers + 1),
    chunks: (_, split) =>
      variables.length * Math.ceil(sampleOf(spec, split).examples / spec.allocation.chunkSize),
  }
  /** Iterations of which everything is there, by table and the segment's beginning. */
  const covered = new Map<string, number>()
  let segment = 0
  for (const { kind, split, from, to, columns, bytes } of blocks) {
    while (segment < segments.length && segments[segment].to <= from) segment++
    const table = tables.get(kind)
    // Of another kind are the tables of whole runs, which finalize makes.
    if (segment === segments.length || (table === undefined && !Object.hasOwn(rowsOf, kind))) continue
    const rows =
      table === undefined
        ? rowsOf[kind as ColumnsKind](to - from, split)
        : table.rows && table.rows(facts) * (table.of === 'iterations' ? to - from : 1)
    if (rows === undefined ? bytes % rowBytes(columns) !== 0 : bytes !== rows * rowBytes(columns)) continue
    const key = `${segments[segment].from} ${kind} ${split}`
    covered.set(key, (covered.get(key) ?? 0) + to - from)
  }
  const kindsOf = (split: SplitName): string[] => [
    ...tables.keys(),
    ...(['iterations', 'allocations', 'neurons'] as const),
    ...(isSample(sampleOf(spec, split)) ? (['errors', 'chunks'] as const) : []),
  ]
  return segments
    .filter(
      ({ from, to, whole }) =>
        !whole ||
        !spec.allocation.splits.every(split =>
          kindsOf(split).every(kind => covered.get(`${from} ${kind} ${split}`) === to - from),
        ),
    )
    .map(({ index }) => index)
}

/** What finishExperiment stores: the summary, and what each variable did on each split. */
export type Finished = {
  summary: Summary
  /** Figures of its beginnings, by split. */
  early: Partial<Record<SplitName, EarlyFigures[]>>
  findings: Finding[]
  totals: { split: string; variables: VariableTotals }[]
  /** What the summary of its sweep reads of it (measures.ts). */
  measures: Buffer
  /** Which recording of each segment that is made of. */
  recorded: string
}

/** Changes whenever a segment of the experiment is recorded again. */
async function recordedState(db: Queryable, id: string): Promise<string> {
  const { rows } = await db.query<{ state: string }>(
    `SELECT md5(string_agg("index" || ' ' || attempts || ' ' || finished_at, ',' ORDER BY "index")) AS state
       FROM segments WHERE experiment_id = $1`,
    [id],
  )
  return rows[0].state
}

type IterationTotals = {
  iterations: number
  lca: number
  helped: number
  hurt: number
  worstResidual: number
  unbalanced: Unbalanced | null
}

async function sumIterations(
  db: Queryable,
  id: string,
  split: string,
  to: number,
  limits: Limits,
): Promise<IterationTotals> {
  const totals = { iterations: 0, lca: 0, helped: 0, hurt: 0, worstResidual: 0 }
  const books = makeBooks(limits)
  for await (const page of readBlocks(db, { id, kind: 'iterations', split }, { from: 0, to })) {
    for (const block of page) {
      const { rows, columns } = block
      books.add(block)
      for (let row = 0; row < rows; row++) {
        totals.lca += columns.lca[row]
        totals.helped += columns.helped[row]
        totals.hurt += columns.hurt[row]
        totals.worstResidual = Math.max(totals.worstResidual, Math.abs(columns.residual[row]))
      }
      totals.iterations += rows
    }
  }
  if (totals.iterations === 0) throw new Error(`experiment ${id} has no iterations on ${split}`)
  return { ...totals, unbalanced: judgeBooks(books.books, limits) }
}

/** What is to be known of an experiment whose segments are all allocated and complete. */
export async function summarise(db: Database, id: string, spec: ResolvedSpec): Promise<Finished> {
  const { dataset, training, allocation } = spec
  const recorded = await recordedState(db.pool, id)
  const variables = await readVariables(db, id)
  const parameters = variables.reduce((sum, { size }) => sum + size, 0)
  const { rows: work } = await db.pool.query<{ gradients: number; seconds: number }>(
    `SELECT sum(gradients)::float8 AS gradients, sum(seconds) AS seconds FROM segments WHERE experiment_id = $1`,
    [id],
  )
  const { rows: ends } = await db.pool.query<{ asked: number | null }>(
    'SELECT asked_iterations AS asked FROM experiments WHERE id = $1',
    [id],
  )
  const asked = ends[0]?.asked ?? null
  const { rows: evaluations } = await db.pool.query<Evaluation>(
    `SELECT found.* FROM segments, jsonb_to_recordset(evaluations)
       AS found (split text, iteration int, loss float8, accuracy float8)
     WHERE experiment_id = $1`,
    [id],
  )
  const at = (split: string, iteration: number): Evaluation => {
    const found = evaluations.find(row => row.split === split && row.iteration === iteration)
    if (found === undefined) throw new Error(`split ${split} was not evaluated at iteration ${iteration}`)
    return found
  }
  const splits: Summary['splits'] = {}
  const early: Finished['early'] = {}
  const totals: Finished['totals'] = []
  const judged: [SplitName, Unbalanced | null][] = []
  const span = { from: 0, to: training.iterations }
  let iterations = 0
  for (const split of [...allocation.splits].sort()) {
    const ledger = await sumLedger(db.pool, { id, split }, variables.length, span)
    const sums = await sumIterations(db.pool, id, split, training.iterations, allocation)
    judged.push([split, sums.unbalanced])
    const initial = at(split, 0)
    const final = at(split, training.iterations)
    const sample = sampleOf({ dataset, allocation }, split)
    splits[split] = {
      ...sample,
      loss: { initial: initial.loss, final: final.loss },
      accuracy: { initial: initial.accuracy, final: final.accuracy },
      lca: sums.lca,
      standardError: isSample(sample)
        ? await networkError(db.pool, { id, split }, sample, variables.length, span)
        : null,
      helping: ledger.helping,
      hurting: ledger.hurting,
      helpFractionOfMoved: sums.helped + sums.hurt > 0 ? sums.helped / (sums.helped + sums.hurt) : null,
      helpFractionOfAll: sums.helped / (parameters * sums.iterations),
      worstResidual: sums.worstResidual,
    }
    if (allocation.diagnostics) {
      const { figures, early: first } = await summariseDiagnostics(db.pool, { id, split }, spec, variables)
      splits[split].diagnostics = figures
      early[split] = first
    }
    totals.push({ split, variables: ledger.variables })
    iterations = sums.iterations
  }
  const { gradients, seconds } = work[0]
  const unbalanced = unbalancedOnly(judged)
  const findings = await findFindings(db.pool, id, spec, variables, unbalanced)
  return {
    summary: {
      ...{ parameters, iterations, splits, unbalanced, findings: summariseFindings(findings) },
      ended: asked === null ? null : { policy: 'stopOverfitting', iterations, asked },
      ...{ gradients, allocationSeconds: seconds },
    },
    ...{ early, findings, totals, recorded },
    measures: packMeasures({ seed: training.seed, iterations, unbalanced }, splits, totals, variables),
  }
}

/** Of Σ LCA of the whole run. Throws where the chunks of an iteration are not there. */
async function networkError(
  db: Queryable,
  what: { id: string; split: SplitName },
  { of }: Sample,
  variables: number,
  span: { from: number; to: number },
): Promise<number> {
  const spread = await readSpread(db, what, of, new Array<number>(variables).fill(0), 1, span)
  if (spread?.iterations !== span.to - span.from)
    throw new Error(`experiment ${what.id} has not the chunks of every iteration on ${what.split}`)
  return spread.standardErrors[0]
}

/** The variables of an experiment's network, in their order. */
export const readVariables = ({ prisma }: Database, id: string) =>
  prisma.variable.findMany({
    where: { experimentId: id },
    orderBy: { index: 'asc' },
    select: { name: true, layer: true, shape: true, offset: true, size: true },
  })

/** manifest.json: everything one needs to read an experiment's objects without this service. */
export type Manifest = {
  format: 1
  experiment: string
  spec: ResolvedSpec
  /** What was subtracted from each channel of the examples and divided by, where they were normalised by channel. */
  normalization?: Moments
  parameters: number
  /** In the column order of the tensors. */
  variables: { name: string; layer: string; shape: number[]; offset: number; size: number }[]
  /** The layers' units in the column order of neurons/{split}/{from}-{to}.npy. */
  neurons: { layer: string; offset: number; units: number }[]
  /** Who allocated each, and who trained it: made the weights that are stored (null: an earlier version did not say). */
  segments: { from: number; to: number; worker: string | null; engine: unknown; trainedBy: unknown }[]
  /** Of tensors with their rows, and the iterations of the first and the last: weights have both ends of their segment. */
  objects: (StoredArtifact & Partial<Rows>)[]
  /** The names of objects that storage has lost, and that could not be made again. */
  lost?: string[]
}

/** Reads a manifest out of Postgres; `objects` are those that stay. */
export async function makeManifest(
  db: Database,
  id: string,
  { spec }: Pick<ExperimentState, 'spec'>,
  objects: StoredArtifact[],
  lost: string[] = [],
): Promise<Manifest> {
  const variables = await readVariables(db, id)
  const segments = await db.prisma.segment.findMany({
    where: { experimentId: id },
    orderBy: { index: 'asc' },
    select: { from: true, to: true, worker: true, engine: true, trainedBy: true },
  })
  const parameters = variables.reduce((sum, { size }) => sum + size, 0)
  const neurons = layerUnits(variables).map(({ layer, offset, units }) => ({ layer, offset, units }))
  const rows = objects.map(object => ({ ...object, ...rowsNamed(object.name) }))
  const { rows: normalizations } = await db.pool.query<{ normalization: Moments }>(
    `SELECT found -> 'normalization' AS normalization FROM segments, jsonb_array_elements(evaluations) AS found
      WHERE experiment_id = $1 AND found ? 'normalization' LIMIT 1`,
    [id],
  )
  return {
    format: 1,
    experiment: id,
    spec,
    ...(normalizations.length > 0 && normalizations[0]),
    parameters,
    variables,
    neurons,
    segments,
    objects: rows.filter(({ name }) => !lost.includes(name)),
    ...(lost.length > 0 && { lost }),
  }
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

/**
 * Says 'succeeded', with the summary and the objects that stay, in one transaction. Says whether the experiment was still
 * wanted, and every segment is still allocated as it was when that was summed up.
 */
export function finishExperiment(
  db: Database,
  id: string,
  { summary, early, findings, totals, measures, recorded }: Finished,
  objects: StoredArtifact[],
): Promise<boolean> {
  return transaction(db.pool, async client => {
    // Whoever records a segment, or takes one back, is through before this looks at them.
    await client.query('SELECT FROM experiments WHERE id = $1 FOR UPDATE', [id])
    const { rows: open } = await client.query(
      `SELECT FROM segments WHERE experiment_id = $1 AND status <> 'allocated' LIMIT 1`,
      [id],
    )
    if (open.length > 0 || (await recordedState(client, id)) !== recorded) return false
    const { rowCount } = await client.query(
      `UPDATE experiments SET status = 'succeeded', summary = $2, early = $3, findings = $4, finished_at = now(),
              measures = CASE WHEN sweep_id IS NOT NULL THEN $5::bytea END, updated_at = now()
       WHERE id = $1 AND status = 'allocating' AND NOT cancelling`,
      [id, JSON.stringify(summary), JSON.stringify(early), JSON.stringify(findings), measures],
    )
    if (rowCount === 0) return false
    // Of an earlier time that it succeeded: what was lost since may have been computed again.
    await client.query('DELETE FROM variable_totals WHERE experiment_id = $1', [id])
    for (const { split, variables } of totals) await storeTotals(client, { id, split }, variables)
    await client.query('DELETE FROM artifacts WHERE experiment_id = $1 AND name <> ALL ($2)', [
      id,
      objects.map(object => object.name),
    ])
    await recordArtifacts(client, id, objects)
    return true
  })
}
