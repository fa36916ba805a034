/** What is compared: experiments of the caller's, and what they go back to. */

import type { VariableFacts } from '../../../spec/facts.ts'
import type { ResolvedSpec } from '../../../spec/resolved.ts'
import type { Database } from '../../../store/database.ts'
import type { Reader } from '../../../store/experiments.ts'
import type { Summary } from '../../../store/summary.ts'
import { experimentsNotFound } from '../../problem.ts'
import type { ComparedExperiment } from '../../schemas/compare.ts'
import type { Lineage, Link } from './axis.ts'

export type Member = Omit<ComparedExperiment, 'offset' | 'parent'> & {
  spec: ResolvedSpec
  summary: Summary | null
  engine: { name?: string; device?: string } | null
  /** Iterations that are allocated. */
  allocated: number
  /** Names this state of it; null while it may still change. */
  version: string | null
  variables: Pick<VariableFacts, 'name' | 'shape' | 'size'>[]
}

const membersSql = `
  SELECT id, name, status::text AS status, spec, summary, engine, (spec #>> '{training,iterations}')::int AS iterations,
         (SELECT coalesce(sum(s."to" - s."from"), 0)::int FROM segments s
           WHERE s.experiment_id = e.id AND s.status = 'allocated') AS allocated,
         CASE status WHEN 'succeeded' THEN id || ' ' || extract(epoch FROM updated_at) END AS version,
         (SELECT coalesce(json_agg(json_build_object('name', v.name, 'shape', v.shape, 'size', v.size) ORDER BY v."index"), '[]')
            FROM variables v WHERE v.experiment_id = e.id) AS variables
    FROM experiments e
   WHERE id = ANY ($1::uuid[]) AND ($2::text IS NULL OR tenant = $2)`

/** The experiments of these ids, in their order. Throws a 404 that names all that are none, or not the reader's. */
export async function readMembers(
  { pool }: Pick<Database, 'pool'>,
  { tenant }: Reader,
  ids: string[],
): Promise<Member[]> {
  const { rows } = await pool.query<Member>(membersSql, [ids, tenant])
  const found = new Map(rows.map(row => [row.id, row]))
  const missing = ids.filter(id => !found.has(id))
  if (missing.length > 0) throw experimentsNotFound(missing, 'experiments')
  return ids.map(id => found.get(id)!)
}

/** A branch of a branch and so on; further back nobody looks. */
const mostLinks = 200

const lineageSql = `
  WITH RECURSIVE back AS (
    SELECT id AS member, id, spec #> '{training,initial}' AS initial, 0 AS depth
      FROM experiments WHERE id = ANY ($1::uuid[]) AND ($2::text IS NULL OR tenant = $2)
    UNION ALL
    SELECT back.member, e.id, e.spec #> '{training,initial}', depth + 1
      FROM back JOIN experiments e ON e.id = (back.initial ->> 'experiment')::uuid
     WHERE ($2::text IS NULL OR e.tenant = $2) AND depth < ${mostLinks})
  SELECT member, id, initial FROM back ORDER BY member, depth`

/** What each goes back to, by `training.initial`. */
export async function readLineages(
  { pool }: Pick<Database, 'pool'>,
  { tenant }: Reader,
  members: Pick<Member, 'id' | 'iterations'>[],
): Promise<Lineage[]> {
  const { rows } = await pool.query<Link & { member: string }>(lineageSql, [
    members.map(({ id }) => id),
    tenant,
  ])
  return members.map(({ id, iterations }) => ({
    ...{ id, iterations },
    links: rows.filter(row => row.member === id).map(({ id, initial }) => ({ id, initial })),
  }))
}
