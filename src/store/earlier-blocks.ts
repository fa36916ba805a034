/**
 * What versions before blocks left, a row an iteration and variable, read as blocks of one iteration each. Their bytes are
 * in the other order, as Postgres sends numbers. Goes when the tables go that it reads.
 */
import type { ColumnsKind, SampleKind } from '../lca/columns.ts'

/** Kinds of tables that there were. */
export type EarlierKind = Exclude<ColumnsKind, SampleKind>

const column = (name: string, send: 'float8send' | 'int4send', order: string) =>
  `string_agg(${send}(${name}), '' ORDER BY ${order})`
const floats = (names: string[], order: string) => names.map(name => column(name, 'float8send', order))

/**
 * Selects "from", "to", columns, data and swapped of an experiment ($1), kind ($2) and split ($3) over iterations from $4
 * to before $5, at most $6, in order. An iteration that does not have all of its rows is not there.
 */
export const earlierBlocksSql: Record<EarlierKind, string> = {
  iterations: `
    SELECT iteration, iteration + 1,
           '{lossBefore f8,lossAfter f8,lca f8,residual f8,splits i4,helped i4,hurt i4}'::text[],
           float8send(loss_before) || float8send(loss_after) || float8send(lca) || float8send(residual)
             || int4send(splits) || int4send(helped) || int4send(hurt), true
      FROM earlier_iterations
     WHERE experiment_id = $1 AND split = $3 AND iteration >= $4::int AND iteration < $5::int
     ORDER BY iteration LIMIT $6::int`,
  allocations: `
    SELECT iteration, iteration + 1,
           '{lca f8,helping f8,hurting f8,squared f8,moved f8,helped i4,hurt i4}'::text[],
           ${[
             ...floats(['lca', 'helping', 'hurting', 'squared', 'moved'], 'variable'),
             column('helped', 'int4send', 'variable'),
             column('hurt', 'int4send', 'variable'),
           ].join(' || ')}, true
      FROM earlier_allocations
     WHERE experiment_id = $1 AND split = $3 AND iteration >= $4::int AND iteration < $5::int
     GROUP BY iteration
    HAVING count(*) = (SELECT count(*) FROM variables WHERE experiment_id = $1)
     ORDER BY iteration LIMIT $6::int`,
  neurons: `
    SELECT s."from", s."to", '{lca f8,helping f8,hurting f8}'::text[],
           (SELECT ${floats(['lca', 'helping', 'hurting'], 'unit').join(' || ')}
              FROM unnest(n.lca, n.helping, n.hurting) WITH ORDINALITY AS u (lca, helping, hurting, unit)), true
      FROM earlier_neuron_segments n JOIN segments s ON s.experiment_id = n.experiment_id AND s."index" = n.segment
     WHERE n.experiment_id = $1 AND n.split = $3 AND s."to" > $4::int AND s."from" < $5::int
     ORDER BY s."from" LIMIT $6::int`,
}
