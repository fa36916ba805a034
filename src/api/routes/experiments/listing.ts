/** What the query of the list asks for, read and checked. Everything that is wrong is a 400 that says what would be right. */
import { parsePath } from '../../../spec/field-names.ts'
import { decodeCursor, encodeCursor } from '../../http/cursor.ts'
import { invalidQuery } from '../../problem.ts'
import { uuidPattern } from '../../schemas/common.ts'
import { type Kind, kindOf, UnknownField } from './fields.ts'
import type { Position } from './query.ts'
import { parseWhere, type Where, WhereError } from './where.ts'

export function conditionOf(text: string): Where {
  try {
    return parseWhere(text)
  } catch (error) {
    if (error instanceof WhereError) throw invalidQuery('where', error.message)
    throw error
  }
}

/** The path of a field that a parameter names. */
export function fieldNamed(name: string, parameter: string): string[] {
  const path = parsePath(name)
  if (path === undefined) throw invalidQuery(parameter, `${name.slice(0, 100)} is not the name of a field`)
  try {
    kindOf(path)
  } catch (error) {
    if (error instanceof UnknownField) throw invalidQuery(parameter, error.message)
    throw error
  }
  return path
}

export function sortOf(sort: string | undefined): { field: string[]; descending: boolean } | undefined {
  if (sort === undefined) return undefined
  const descending = sort.startsWith('-')
  return { field: fieldNamed(descending ? sort.slice(1) : sort, 'sort'), descending }
}

const idPattern = new RegExp(uuidPattern)
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?$/

/** Whether something can be what a field of this kind is sorted by. */
function isKey(key: unknown, kind: Kind | undefined): key is Position['key'] {
  if (key === null) return true
  if (typeof key === 'number') return kind === 'number' || kind === undefined
  if (typeof key !== 'string' || key.includes('\0')) return false
  return kind === 'time' ? timePattern.test(key) && !Number.isNaN(Date.parse(key)) : kind !== 'number'
}

/** Where a page begins. Of a list in another order a cursor means nothing. */
export function positionOf(cursor: string | undefined, sort: string | undefined): Position | undefined {
  if (sort === undefined) {
    const id = decodeCursor(cursor, idPattern)
    return id === undefined ? undefined : { key: null, id }
  }
  const text = decodeCursor(cursor, /^\[/)
  if (text === undefined) return undefined
  try {
    const [order, key, id] = JSON.parse(text) as unknown[]
    const { field } = sortOf(sort)!
    if (order === sort && isKey(key, kindOf(field)) && typeof id === 'string' && idPattern.test(id))
      return { key, id }
  } catch {}
  throw invalidQuery('cursor', 'is not the nextCursor of a page of this list in this order')
}

export const cursorOf = ({ key, id }: Position, sort: string | undefined): string =>
  encodeCursor(sort === undefined ? id : JSON.stringify([sort, key, id]))
