/** Rows of the table of iterations, out of the columns that are stored. */
import type { Block } from '../../../store/blocks.ts'
import { helpFractions } from '../../tables/ledger.ts'
import type { Batch } from '../../tables/table.ts'

const stored = ['lossBefore', 'lossAfter', 'lca', 'residual', 'splits', 'helped', 'hurt'] as const
type StoredName = (typeof stored)[number]

/** An iteration, with what was read of it; the rest is NaN. */
export type Row = { iteration: number } & Record<StoredName, number>

const madeOf: Record<string, readonly StoredName[]> = {
  loss: ['lossBefore'],
  lossAfter: ['lossAfter'],
  lca: ['lca'],
  residual: ['residual'],
  splits: ['splits'],
  helpFractionOfMoved: ['helped', 'hurt'],
  helpFractionOfAll: ['helped', 'hurt'],
}

/** What is to be read for these columns of the table, all if absent; the losses always, which say which rows are kept. */
export function storedFor(columns: readonly string[] | undefined): StoredName[] {
  const wanted = new Set(columns?.flatMap(name => madeOf[name] ?? []) ?? stored)
  return stored.filter(name => name === 'lossBefore' || wanted.has(name))
}

/** `prefix`: before the names of the columns. */
export function rowOf({ columns }: Pick<Block, 'columns'>, at: number, iteration: number, prefix = ''): Row {
  const value = (name: StoredName) => columns[prefix + name]?.[at] ?? Number.NaN
  return {
    ...{ iteration, lossBefore: value('lossBefore'), lossAfter: value('lossAfter'), lca: value('lca') },
    ...{ residual: value('residual'), splits: value('splits'), helped: value('helped'), hurt: value('hurt') },
  }
}

/** Every row of a block. */
export const rowsOf = (block: Block): Row[] =>
  Array.from({ length: block.rows }, (_, at) => rowOf(block, at, block.from + at))

/** `parameters` are those of the network. */
export function batchOf(rows: Row[], parameters: number): Batch {
  const floats = (name: keyof Row) => Float64Array.from(rows, row => row[name])
  const fractions = rows.map(({ helped, hurt }) => helpFractions(helped, hurt, parameters))
  return {
    length: rows.length,
    values: {
      iteration: Int32Array.from(rows, ({ iteration }) => iteration),
      ...{ loss: floats('lossBefore'), lossAfter: floats('lossAfter'), lca: floats('lca') },
      residual: floats('residual'),
      splits: Int32Array.from(rows, ({ splits }) => splits),
      helpFractionOfMoved: Float64Array.from(fractions, one => one.helpFractionOfMoved ?? Number.NaN),
      helpFractionOfAll: Float64Array.from(fractions, one => one.helpFractionOfAll ?? Number.NaN),
    },
  }
}
