/** Rows of the table of iterations, column by column, out of the columns that are stored. */
import type { Columns } from '../../../lca/columns.ts'
import type { Block } from '../../../store/blocks.ts'
import { ratio } from '../../tables/ledger.ts'
import type { Batch } from '../../tables/table.ts'

const stored = ['lossBefore', 'lossAfter', 'lca', 'residual', 'splits', 'helped', 'hurt'] as const
export type StoredName = (typeof stored)[number]

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

/** Iterations of one network, with those of their stored columns that are wanted, each as long. */
export type Rows = { iteration: Int32Array; stored: Columns }

export const rowsOf = ({ from, rows, columns }: Block): Rows => ({
  iteration: Int32Array.from({ length: rows }, (_, i) => from + i),
  stored: columns,
})

/** Row `at` of columns whose names begin with `prefix`: what is known of an iteration. */
export type Place = { iteration: number; columns: Columns; at: number; prefix: string }

export function rowsAt(places: Place[], wanted: readonly StoredName[]): Rows {
  const column = (name: StoredName) => {
    // Of few prefixes, so that no name is made twice.
    const names: Record<string, string> = { '': name }
    return Float64Array.from(places, ({ columns, at, prefix }) => {
      names[prefix] ??= prefix + name
      return columns[names[prefix]][at]
    })
  }
  return {
    iteration: Int32Array.from(places, ({ iteration }) => iteration),
    stored: Object.fromEntries(wanted.map(name => [name, column(name)])),
  }
}

/** The columns of the table that follow from what is there, of one or more networks, each with its parameters. */
export function batchOf(...parts: (Rows & { parameters: number })[]): Batch {
  const length = parts.reduce((sum, { iteration }) => sum + iteration.length, 0)
  const made = <T extends Float64Array | Int32Array>(
    into: T,
    write: (part: (typeof parts)[number], into: T) => void,
  ) => {
    let at = 0
    for (const part of parts) {
      write(part, into.subarray(at, at + part.iteration.length) as T)
      at += part.iteration.length
    }
    return into
  }
  const has = (name: StoredName) => parts.every(({ stored }) => name in stored)
  const floats = (name: string, from: StoredName) =>
    has(from) && { [name]: made(new Float64Array(length), ({ stored }, into) => into.set(stored[from])) }
  const fraction = (name: string, of: (helped: number, hurt: number, parameters: number) => number | null) =>
    has('helped') &&
    has('hurt') && {
      [name]: made(new Float64Array(length), ({ stored: { helped, hurt }, parameters }, into) => {
        for (let i = 0; i < into.length; i++) into[i] = of(helped[i], hurt[i], parameters) ?? Number.NaN
      }),
    }
  return {
    length,
    values: {
      iteration: made(new Int32Array(length), ({ iteration }, into) => into.set(iteration)),
      ...floats('loss', 'lossBefore'),
      ...floats('lossAfter', 'lossAfter'),
      ...floats('lca', 'lca'),
      ...floats('residual', 'residual'),
      ...(has('splits') && {
        splits: made(new Int32Array(length), ({ stored }, into) => into.set(stored.splits)),
      }),
      ...fraction('helpFractionOfMoved', (helped, hurt) => ratio(helped, helped + hurt)),
      ...fraction('helpFractionOfAll', (helped, _hurt, parameters) => ratio(helped, parameters)),
    },
  }
}
