/**
 * What versions before blocks left, a row an iteration and variable, read as blocks of one iteration each. Their bytes are
 * in the other order, as Postgres sends numbers. Goes when the tables go that it reads.
 */
import type { ColumnsKind, SampleKind } from '../lca/columns.ts'

/** What blocks are asked for, each part an expression in SQL; `limit`: a LIMIT with its number, or nothing. */
export type Asked = { id: string; kind: string; split: string; from: string; to: string; limit: string }

/** Kinds of tables that there were. */
export type EarlierKind = Exclude<ColumnsKind, SampleKind>

const column = (name: string, send: 'float8send' | 'int4send', order: string) =>
  `string_agg(${send}(${name}), '' ORDER BY ${order})`
const floats = (names: string[], order: string) => names.map(name => column(name, 'float8send', order))

/**
 * Selects "from", "to", columns, data and swapped of what is asked for of that kind, in order. An iteration that does not have
 * all of its rows is not there.
 */
export const earlierBlocksSql: Record<EarlierKind, (asked: Asked) => string> = {
  iterations: ({ id, split, from, to, limit }) => `
    SELECT iteration, iteration + 1,
           '{lossBefore f8,lossAfter f8,lca f8,residual f8,splits i4,helped i4,hurt i4}'::text[],
           float8send(loss_before) || float8send(loss_after) || float8send(lca) || float8send(residual)
             || int4send(splits) || int4send(helped) || int4send(hurt), true
      FROM earlier_iterations
     WHERE experiment_id = ${id} AND split = ${split} AND iteration >= ${from} AND iteration < ${to}
     ORDER BY iteration ${limit}`,
  allocations: ({ id, split, from, to, limit }) => `
    SELECT iteration, iteration + 1,
           '{lca f8,helping f8,hurting f8,squared f8,moved f8,helped i4,hurt i4}'::text[],
           ${[
             ...floats(['lca', 'helping', 'hurting', 'squared', 'moved'], 'variable'),
             column('helped', 'int4send', 'variable'),
             column('hurt', 'int4send', 'variable'),
           ].join(' || ')}, true
      FROM earlier_allocations
     WHERE experiment_id = ${id} AND split = ${split} AND iteration >= ${from} AND iteration < ${to}
     GROUP BY iteration
    HAVING count(*) = (SELECT count(*) FROM variables WHERE experiment_id = ${id})
     ORDER BY iteration ${limit}`,
  neurons: ({ id, split, from, to, limit }) => `
    SELECT s."from", s."to", '{lca f8,helping f8,hurting f8}'::text[],
           (SELECT ${floats(['lca', 'helping', 'hurting'], 'unit').join(' || ')}
              FROM unnest(n.lca, n.helping, n.hurting) WITH ORDINALITY AS u (lca, helping, hurting, unit)), true
      FROM earlier_neuron_segments n JOIN segments s ON s.experiment_id = n.experiment_id AND s."index" = n.segment
     WHERE n.experiment_id = ${id} AND n.split = ${split} AND s."to" > ${from} AND s."from" < ${to}
     ORDER BY s."from" ${limit}`,
}
