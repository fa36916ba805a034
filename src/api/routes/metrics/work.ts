/** The work as metrics, read from Postgres when they are asked for: the same whichever process is asked. */
import { Gauge, type Registry } from 'prom-client'
import type { Database } from '../../../store/database.ts'

/** What the rates are over. */
const windowSeconds = 300
/** Several collectors cost no more than one. */
const freshMs = 5000

const statusSql = `
  SELECT status::text, count(e.id)::float8 AS count,
         coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age
    FROM unnest(enum_range(NULL::experiment_status)) AS status
    LEFT JOIN experiments e USING (status)
   GROUP BY 1`

// While training goes on, what it has written is not to be had yet. A segment waits since the training was over.
const queueSql = `
  SELECT state, coalesce(n, 0)::float8 AS count, coalesce(age, 0)::float8 AS age
    FROM unnest(enum_range(NULL::segment_status)) AS state
    LEFT JOIN (
      SELECT CASE WHEN s.status = 'trained' AND e.status <> 'allocating' THEN 'pending' ELSE s.status END AS state,
             count(*) AS n,
             extract(epoch FROM now() - min(coalesce(e.allocating_at, e.created_at))) AS age
        FROM experiments e JOIN segments s ON s.experiment_id = e.id
       WHERE e.status IN ('queued', 'training', 'allocating')
       GROUP BY 1) waiting USING (state)`

// Every split of an iteration gets the same number of gradients, each over all of its examples.
const enginesSql = `
  SELECT coalesce(s.engine ->> 'name', 'unknown') AS engine, count(*)::float8 AS segments, sum(coalesce(s.seconds, 0)) AS seconds,
         max(coalesce(s.seconds, 0)) AS slowest,
         sum(coalesce(s.gradients, 0) * (CASE WHEN splits.train THEN (e.spec #>> '{dataset,trainExamples}')::float8 ELSE 0 END
             + CASE WHEN splits.validation THEN (e.spec #>> '{dataset,validationExamples}')::float8 ELSE 0 END)
             / splits.count) AS examples
    FROM segments s
    JOIN experiments e ON e.id = s.experiment_id
    CROSS JOIN LATERAL (
      SELECT bool_or(split = 'train') AS train, bool_or(split = 'validation') AS validation, count(*) AS count
        FROM json_array_elements_text(e.spec #> '{allocation,splits}') AS split) splits
   WHERE s.finished_at > now() - make_interval(secs => $1)
   GROUP BY 1`

const residualsSql = `
  SELECT count(*)::float8 AS iterations, count(*) FILTER (WHERE i.splits > 1)::float8 AS refined,
         percentile_disc(0.5) WITHIN GROUP (ORDER BY abs(residual)) AS median,
         percentile_disc(0.99) WITHIN GROUP (ORDER BY abs(residual)) AS high, max(abs(residual)) AS worst
    FROM segments s
    JOIN iterations i ON i.experiment_id = s.experiment_id AND i.iteration >= s."from" AND i.iteration < s."to"
   WHERE s.finished_at > now() - make_interval(secs => $1)`

const durationsSql = `
  SELECT status::text, count(*)::float8 AS count, avg(extract(epoch FROM finished_at - created_at))::float8 AS mean
    FROM experiments
   WHERE finished_at > now() - make_interval(secs => $1)
   GROUP BY 1`

/** Registers the gauges; the function that is returned reads them anew. */
export function workMetrics(db: Database, registers: Registry[]): () => Promise<void> {
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge<Label>({ name: `ledger_${name}`, help, labelNames, registers })
  const count = gauge('experiments', 'Experiments by status.', ['status'])
  const age = gauge(
    'oldest_experiment_seconds',
    'Since the oldest experiment that now has the status was posted.',
    ['status'],
  )
  const depth = gauge(
    'segments',
    'Segments of unfinished experiments: pending until training is over, trained until allocated.',
    ['state'],
  )
  const waiting = gauge(
    'oldest_waiting_segment_seconds',
    'Since the oldest segment that is trained and not allocated could be allocated; 0: there is none.',
  )
  const durations = gauge(
    'experiment_mean_seconds',
    'From post to end, of the experiments that ended in the last five minutes.',
    ['status'],
  )
  const segments = gauge('segments_per_second', 'Segments allocated, over the last five minutes.', ['engine'])
  const examples = gauge('examples_per_second', 'Examples differentiated, over the last five minutes.', [
    'engine',
  ])
  const pace = gauge(
    'engine_examples_per_second',
    'Examples a second of computing: what one process of this engine does while it works.',
    ['engine'],
  )
  const mean = gauge('segment_mean_seconds', 'Computing a segment, over the last five minutes.', ['engine'])
  const slowest = gauge('segment_slowest_seconds', 'The slowest segment of the last five minutes.', [
    'engine',
  ])
  const residuals = gauge('residual', 'Size of the residuals of the last five minutes.', ['quantile'])
  const iterations = gauge(
    'iterations_per_second',
    'Iterations allocated (each split counts), over five minutes.',
  )
  const refined = gauge('refined_ratio', 'Share of those iterations that were split further than once.')

  let last = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  const read = async () => {
    const { pool } = db
    const [statuses, queue, engines, errors, ended] = await Promise.all([
      pool.query<{ status: string; count: number; age: number }>(statusSql),
      pool.query<{ state: string; count: number; age: number }>(queueSql),
      pool.query<Record<'segments' | 'seconds' | 'slowest' | 'examples', number> & { engine: string }>(
        enginesSql,
        [windowSeconds],
      ),
      pool.query<Record<'iterations' | 'refined' | 'median' | 'high' | 'worst', number | null>>(
        residualsSql,
        [windowSeconds],
      ),
      pool.query<{ status: string; count: number; mean: number }>(durationsSql, [windowSeconds]),
    ])
    for (const each of [durations, segments, examples, pace, mean, slowest, residuals]) each.reset()
    for (const { status, count: n, age: seconds } of statuses.rows) {
      count.set({ status }, n)
      age.set({ status }, seconds)
    }
    for (const { state, count: n, age: seconds } of queue.rows) {
      depth.set({ state }, n)
      if (state === 'trained') waiting.set(seconds)
    }
    for (const { status, mean: seconds } of ended.rows) durations.set({ status }, seconds)
    for (const row of engines.rows) {
      const { engine } = row
      segments.set({ engine }, row.segments / windowSeconds)
      examples.set({ engine }, row.examples / windowSeconds)
      if (row.seconds > 0) pace.set({ engine }, row.examples / row.seconds)
      mean.set({ engine }, row.seconds / row.segments)
      slowest.set({ engine }, row.slowest)
    }
    const [{ iterations: n, refined: split, median, high, worst }] = errors.rows
    iterations.set((n ?? 0) / windowSeconds)
    refined.set(n ? (split ?? 0) / n : 0)
    for (const [quantile, value] of [
      ['0.5', median],
      ['0.99', high],
      ['1', worst],
    ] as const)
      if (value !== null) residuals.set({ quantile }, value)
    last = performance.now()
  }
  return () => {
    if (performance.now() - last < freshMs) return Promise.resolve()
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}
