/** What every output unit did over all iterations: the sums of its segments, in their order, so always the same bits. */
import { layerUnits } from '../../../spec/units.ts'
import { readBlocks } from '../../../store/blocks.ts'
import type { Database } from '../../../store/database.ts'
import { ahead } from '../../tables/ahead.ts'
import { groupVariables, type Ledger } from '../../tables/ledger.ts'
import type { Batch } from '../../tables/table.ts'

const variablesSql =
  'SELECT name, layer, shape, size FROM variables WHERE experiment_id = $1::uuid ORDER BY index'

const sums = ['lca', 'helping', 'hurting'] as const

/** The rows of the table, a batch a layer. Throws 400 where one of `only` is not a layer. */
export async function readNeurons(
  db: Pick<Database, 'pool'>,
  { id, split, iterations }: Ledger,
  only: string[] | undefined,
  signal: AbortSignal,
): Promise<AsyncGenerator<Batch, void>> {
  await groupVariables(db, id, 'layer', only)
  const { rows: variables } = await db.pool.query<Parameters<typeof layerUnits>[0][number]>(variablesSql, [
    id,
  ])
  const all = layerUnits(variables)
  const names = all.map(({ layer }) => layer)
  const units = all.reduce((sum, layer) => sum + layer.units, 0)
  async function* batches() {
    const floats = () => new Float64Array(units)
    const table = { lca: floats(), helping: floats(), hurting: floats() }
    let found = 0
    const span = { from: 0, to: iterations }
    for await (const page of ahead(readBlocks(db.pool, { id, kind: 'neurons', split }, span, signal)))
      for (const { rows, columns } of page) {
        if (rows !== units) throw new Error(`the ledger has sums of ${rows} units where there are ${units}`)
        found++
        for (const name of sums)
          for (let unit = 0; unit < units; unit++) table[name][unit] += columns[name][unit]
      }
    if (found === 0) return
    for (const [index, { layer, offset, units: length, parameters, shared }] of all.entries()) {
      if (only && !only.includes(layer)) continue
      const sizes = new Int32Array(length).fill(parameters)
      if (shared !== undefined) sizes[length - 1] = shared
      yield {
        length,
        values: {
          layer: { names, indices: new Int32Array(length).fill(index) },
          unit: Int32Array.from({ length }, (_, unit) => unit),
          parameters: sizes,
          ...Object.fromEntries(sums.map(name => [name, table[name].subarray(offset, offset + length)])),
        },
      }
    }
  }
  return batches()
}
