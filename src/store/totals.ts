/**
 * Sums over an experiment's ledger. They are made here, never by Postgres, and in one order, iteration by iteration and in
 * each variable by variable, plainly in float64: the same ledger gives the same bits, however it was recorded.
 */
import { type Block, type Queryable, readBlocks } from './blocks.ts'

/** What each variable did over the iterations that are allocated, by its index. */
export type VariableTotals = {
  iterations: number
  lca: Float64Array
  helping: Float64Array
  hurting: Float64Array
  squared: Float64Array
  helped: Float64Array
  hurt: Float64Array
}

const summed = ['lca', 'helping', 'hurting', 'squared', 'helped', 'hurt'] as const

export const noTotals = (variables: number): VariableTotals => {
  const floats = () => new Float64Array(variables)
  return {
    iterations: 0,
    ...{ lca: floats(), helping: floats(), hurting: floats(), squared: floats() },
    ...{ helped: floats(), hurt: floats() },
  }
}

/** The totals of each variable, and Σ helping and Σ hurting over all of them, iteration by iteration. */
export type LedgerTotals = { variables: VariableTotals; helping: number; hurting: number }

/**
 * Sums a split over [from, to), page by page; `signal` ends it before the next, with its reason.
 */
export async function sumLedger(
  db: Queryable,
  { id, split }: { id: string; split: string },
  variables: number,
  span: { from: number; to: number },
  signal?: AbortSignal,
): Promise<LedgerTotals> {
  const totals: LedgerTotals = { variables: noTotals(variables), helping: 0, hurting: 0 }
  for await (const page of readBlocks(db, { id, kind: 'allocations', split }, span, signal)) {
    for (const block of page) add(totals, block, variables)
  }
  return totals
}

function add(totals: LedgerTotals, { from, to, rows, columns }: Block, variables: number): void {
  checkRows({ from, to, rows }, variables)
  for (const name of summed) {
    const values = columns[name]
    const sums = totals.variables[name]
    for (let row = 0, variable = 0; row < rows; row++) {
      sums[variable] += values[row]
      if (++variable === variables) variable = 0
    }
  }
  for (const name of ['helping', 'hurting'] as const) for (const value of columns[name]) totals[name] += value
  totals.variables.iterations += to - from
}

/** Throws where a block of allocations does not have every variable of each iteration, or of every so many. */
export function checkRows(
  { from, to, rows, every = 1 }: Omit<Block, 'columns'> & { every?: number },
  variables: number,
): void {
  if (rows * every !== (to - from) * variables)
    throw new Error(
      `the ledger has ${rows} rows for the iterations [${from}, ${to}) of ${variables} variables`,
    )
}

/** Whether a total is stored of every variable of a split, as it is once an experiment has succeeded: then those. */
export async function readTotals(
  db: Queryable,
  { id, split }: { id: string; split: string },
  variables: number,
): Promise<VariableTotals | undefined> {
  const { rows } = await db.query<Record<(typeof summed)[number] | 'variable' | 'iterations', number>>(
    `SELECT variable, iterations, ${summed.join(', ')} FROM variable_totals
      WHERE experiment_id = $1 AND split = $2 ORDER BY variable`,
    [id, split],
  )
  if (rows.length !== variables || variables === 0) return undefined
  const totals = noTotals(variables)
  totals.iterations = rows[0].iterations
  for (const row of rows) for (const name of summed) totals[name][row.variable] = row[name]
  return totals
}

/** Stores the totals of a split; what is stored already stays. */
export async function storeTotals(
  client: Queryable,
  { id, split }: { id: string; split: string },
  { iterations, ...sums }: VariableTotals,
): Promise<void> {
  await client.query(
    `INSERT INTO variable_totals (experiment_id, split, iterations, variable, ${summed.join(', ')})
     SELECT $1, $2, $3, position - 1, ${summed.join(', ')}
       FROM unnest(${summed.map((_, i) => `$${4 + i}::float8[]`).join(', ')})
            WITH ORDINALITY AS sums (${summed.join(', ')}, position)
         ON CONFLICT DO NOTHING`,
    [id, split, iterations, ...summed.map(name => `{${sums[name].join(',')}}`)],
  )
}
