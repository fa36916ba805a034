/** What every output unit did over all iterations: the sums of its segments, in their order, so always the same bits. */
import { layerUnits } from '../../../spec/units.ts'
import type { Database } from '../../../store/database.ts'
import { groupVariables, type Ledger } from '../shared/ledger.ts'
import type { Cell } from '../shared/table.ts'

const variablesSql =
  'SELECT name, layer, shape, size FROM variables WHERE experiment_id = $1::uuid ORDER BY index'

// Units [$3, $4), counted from 1 as Postgres does.
const sumsSql = `
  SELECT unit::int, sum(lca[unit] ORDER BY segment), sum(helping[unit] ORDER BY segment),
         sum(hurting[unit] ORDER BY segment)
    FROM neuron_segments, generate_series($3::int, $4::int - 1) AS unit
   WHERE experiment_id = $1::uuid AND split = $2
   GROUP BY unit
   ORDER BY unit`

type Row = [number, number, number, number]

/** The rows of the table, a batch a layer. Throws 400 where one of `only` is not a layer. */
export async function readNeurons(
  db: Database,
  { id, split }: Ledger,
  only: string[] | undefined,
): Promise<AsyncGenerator<Cell[][]>> {
  await groupVariables(db, id, 'layer', only)
  const { rows: variables } = await db.pool.query<Parameters<typeof layerUnits>[0][number]>(variablesSql, [
    id,
  ])
  const layers = layerUnits(variables).filter(({ layer }) => only?.includes(layer) ?? true)
  async function* batches() {
    for (const { layer, offset, units, parameters } of layers) {
      const values = [id, split, offset + 1, offset + units + 1]
      const { rows } = await db.pool.query<Row>({ text: sumsSql, values, rowMode: 'array' })
      yield rows.map(([unit, ...sums]): Cell[] => [layer, unit - 1 - offset, parameters, ...sums])
    }
  }
  return batches()
}
