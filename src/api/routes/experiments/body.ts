/** From the body of a request to a spec that can be run, and to what tells two bodies apart. */
import { createHash } from 'node:crypto'
import { type FieldError, SpecError } from '../../../spec/errors.ts'
import type { Facts } from '../../../spec/facts.ts'
import { resolveSpec } from '../../../spec/resolve.ts'
import type { ResolvedSpec } from '../../../spec/schema.ts'

/** Resolves a posted spec. Throws SpecError with every wrong field, including text that Postgres cannot hold. */
export function specOf(body: unknown, facts: Facts): ResolvedSpec {
  const errors = unstorable(body)
  try {
    const spec = resolveSpec(body, facts)
    if (errors.length === 0) return spec
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    errors.unshift(...error.errors)
  }
  throw new SpecError(errors)
}

/** The free text of a spec is its name and its tags. Postgres has no NUL, and JSON there no half surrogate pairs. */
export function unstorable(body: unknown): FieldError[] {
  const errors: FieldError[] = []
  const check = (path: string, text: unknown) => {
    if (typeof text === 'string' && (text.includes('\0') || /\p{Surrogate}/u.test(text)))
      errors.push({ path, message: 'must be Unicode text without NUL characters or half surrogate pairs' })
  }
  const { name, tags } = Object(body) as { name?: unknown; tags?: unknown }
  check('$.name', name)
  if (typeof tags === 'object' && tags !== null) {
    for (const text of Object.entries(tags).flat()) check('$.tags', text)
  }
  return errors.slice(0, 10)
}

/** SHA-256 of what a JSON body says, whatever the order of its keys and its spaces. The body has been validated. */
export function hashOf(body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(body)))
    .digest('hex')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, item]) => [key, sorted(item)])
}
