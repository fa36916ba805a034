/** Ledgers that have grown, made up: what `npm run bench -- --pages` looks at (pages.ts). */
import { randomUUID } from 'node:crypto'
import type { SegmentColumns } from '../src/lca/columns.ts'
import type { VariableFacts } from '../src/spec/facts.ts'
import type { SplitName } from '../src/spec/schema.ts'
import { insertBlocks } from '../src/store/blocks.ts'
import { coarsen } from '../src/store/coarsen.ts'
import type { Database } from '../src/store/database.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { asStored, fakeSpec } from '../test/support/fake-ledger.ts'

/** What was made up, for whoever goes there: ids. */
export type Made = { map: string; curve: string; overlaid: string[]; running: string[] }

/** Fills a database that is empty: so many experiments, few of them with ledgers, and a hundred that run. Takes a minute. */
export async function fill(db: Database, experiments: number): Promise<Made> {
  const map = await record(db, {
    iterations: 9775,
    variables: 62,
    splits: ['train', 'validation'],
    block: 391,
  })
  const curve = await record(db, { iterations: 1_000_000, variables: 2, splits: ['train'], block: 10_000 })
  const overlaid: string[] = []
  for (let n = 0; n < 50; n++)
    overlaid.push(await record(db, { iterations: 1000, variables: 4, splits: ['train'], block: 1000 }))
  const running: string[] = []
  for (let n = 0; n < 100; n++) {
    const id = randomUUID()
    await createExperiment(db, { id, spec: asStored(fakeSpec(1000, 1000, [])) })
    running.push(id)
  }
  await db.pool.query(
    `UPDATE experiments SET status = 'allocating', started_at = now(), allocating_at = now() WHERE id = ANY ($1::uuid[])`,
    [running],
  )
  await db.pool.query(`UPDATE segments SET status = 'trained' WHERE experiment_id = ANY ($1::uuid[])`, [
    running,
  ])
  // The rest have left their summaries, and are older.
  await db.pool.query(
    `INSERT INTO experiments (id, name, tags, spec, status, summary, engine, trained, created_at, started_at, finished_at)
     SELECT gen_random_uuid(), 'run ' || n, jsonb_build_object('study', 's' || n % 100), spec, 'succeeded',
            jsonb_set(summary, '{splits,validation}', jsonb_set(summary #> '{splits,train}', '{loss,final}', to_jsonb(random()))),
            engine, trained, at, at, at
       FROM experiments e, generate_series(1, $2::int) n,
            LATERAL (SELECT now() - interval '1 minute' * n AS at) times
      WHERE e.id = $1`,
    [overlaid[0], experiments - 152],
  )
  await db.pool.query('VACUUM ANALYZE')
  return { map, curve, overlaid, running }
}

type Size = { iterations: number; variables: number; splits: SplitName[]; block: number }

/** An experiment that has succeeded, with a ledger of this size. */
async function record(db: Database, size: Size): Promise<string> {
  const { iterations, splits, block } = size
  const id = randomUUID()
  const spec = fakeSpec(iterations, block, [])
  spec.allocation.splits = splits
  await createExperiment(db, { id, spec: asStored(spec) })
  const variables = variablesOf(size.variables)
  await db.prisma.variable.createMany({
    data: variables.map((one, index) => ({ experimentId: id, index, ...one })),
  })
  for (let from = 0; from < iterations; from += block)
    await insertBlocks(db.pool, id, { from, to: Math.min(iterations, from + block) }, columnsOf(size, from))
  const split = {
    loss: { initial: 2.3, final: 0.3 },
    accuracy: { initial: 0.1, final: 0.9 },
    ...{ lca: -2, helping: -4, hurting: 2, worstResidual: 1e-4 },
    ...{ helpFractionOfMoved: 0.5, helpFractionOfAll: 0.5, standardError: null },
  }
  const summary = {
    ...{ parameters: 4343, iterations, gradients: 2 * iterations, allocationSeconds: 1, unbalanced: null },
    splits: Object.fromEntries(splits.map(name => [name, split])),
  }
  await db.prisma.experiment.update({
    where: { id },
    data: {
      ...{ status: 'succeeded', summary, trained: iterations, name: `${iterations} iterations` },
      ...{ startedAt: new Date(), allocatingAt: new Date(), finishedAt: new Date() },
    },
  })
  await db.pool.query(
    `UPDATE segments SET status = 'allocated', done = "to" - "from" WHERE experiment_id = $1`,
    [id],
  )
  // As finalize does.
  await coarsen(db, id)
  return id
}

const variablesOf = (count: number): VariableFacts[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `layer_${i >> 1}/${i % 2 === 0 ? 'kernel' : 'bias'}`,
    layer: `layer_${i >> 1}`,
    shape: i % 2 === 0 ? [100, 43] : [43],
    offset: (i >> 1) * 4343 + (i % 2) * 4300,
    size: i % 2 === 0 ? 4300 : 43,
  }))

/** A loss that falls and trembles, and made up allocations whose digits are as random as measured ones. */
function columnsOf({ iterations, variables, splits, block }: Size, from: number): SegmentColumns[] {
  const rows = Math.min(block, iterations - from)
  const loss = (t: number) => 0.3 + 2 * Math.exp((-5 * t) / iterations) * (1 + 0.1 * Math.random())
  const floats = (length: number, sign: number) =>
    Float64Array.from({ length }, () => sign * Math.random() * 10 ** (-8 * Math.random()))
  const integers = (length: number) => Int32Array.from({ length }, () => 40 * Math.random())
  return splits.flatMap((split): SegmentColumns[] => {
    const all = rows * variables
    const [helping, hurting] = [floats(all, -1), floats(all, 1)]
    const before = Float64Array.from({ length: rows }, (_, i) => loss(from + i))
    return [
      {
        ...{ kind: 'iterations', split, of: 'iterations' },
        columns: {
          ...{ lossBefore: before, lossAfter: before.map((_, i) => before[i + 1] ?? loss(from + rows)) },
          ...{ lca: floats(rows, -1), residual: floats(rows, 1) },
          ...{ splits: integers(rows), helped: integers(rows), hurt: integers(rows) },
        },
      },
      {
        ...{ kind: 'allocations', split, of: 'iterations' },
        columns: {
          lca: helping.map((value, i) => value + hurting[i]),
          ...{ helping, hurting, squared: floats(all, 1), moved: floats(all, 1) },
          ...{ helped: integers(all), hurt: integers(all) },
        },
      },
    ]
  })
}
