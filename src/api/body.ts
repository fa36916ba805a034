/** Bodies that are no specs: read, and checked by their schema, with every wrong field named. */

import type { FieldError } from '../spec/errors.ts'
import type { TSchema } from '../spec/type.ts'
import { violationsBy } from '../spec/validate.ts'
import { parseJson } from './json.ts'
import { UnparsedBody } from './plugins/app/inputs.ts'
import { ProblemError } from './problem.ts'

/** Reads bodies of a schema, which must have no references. Throws 400 with every wrong field. */
export function bodyReader<T extends TSchema>(schema: T): (body: unknown) => unknown {
  return body => {
    const value = body instanceof UnparsedBody ? parseJson(body.text) : body
    const errors: FieldError[] = violationsBy(schema, value).map(({ path, message }) => ({ path, message }))
    if (errors.length === 0) errors.push(...unstorable(value))
    if (errors.length === 0) return value
    const count = errors.length === 1 ? '1 field is wrong' : `${errors.length} fields are wrong`
    throw new ProblemError('invalid-parameters', `the body: ${count}`, { errors })
  }
}

/** Text that Postgres cannot hold: it has no NUL, and JSON there no half surrogate pairs. `value` is small and flat. */
function unstorable(value: unknown, path = '$'): FieldError[] {
  if (typeof value === 'string')
    return value.includes('\0') || /\p{Surrogate}/u.test(value)
      ? [{ path, message: 'must be Unicode text without NUL characters or half surrogate pairs' }]
      : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    ...unstorable(key, path),
    ...unstorable(inner, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`),
  ])
}
