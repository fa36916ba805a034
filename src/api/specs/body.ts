/** From the body of a request to a spec that can be run, and to what tells two bodies apart. */
import { createHash, randomUUID } from 'node:crypto'
import { type FieldError, SpecError } from '../../spec/errors.ts'
import type { Facts } from '../../spec/facts.ts'
import { isDeeperThan, isObject } from '../../spec/json-path.ts'
import { resolveSpec } from '../../spec/resolve.ts'
import type { ResolvedSpec } from '../../spec/schema.ts'

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
    for (const [key, text] of Object.entries(tags)) {
      if (errors.length >= 10) break
      check('$.tags', key)
      check('$.tags', text)
    }
  }
  return errors
}

/** Deeper than any body that is right; not too deep to be walked by recursion. */
const mostDepth = 500

/**
 * SHA-256 of what a JSON body says, right or wrong, whatever its spaces and the order of its keys. But below `layers`
 * the order says something (later rules win), and below `vary` too (it is that of variants and in their labels).
 */
export function hashOf(body: unknown): string {
  // Like no other: such a body is never stored.
  if (isDeeperThan(body, mostDepth)) return randomUUID()
  return createHash('sha256')
    .update(JSON.stringify(pairsOf(body)))
    .digest('hex')
}

/** Objects as lists of pairs: `sorted` by key; or as they are, on this level (`entries`) or on all below (`all`). */
function pairsOf(value: unknown, order: 'sorted' | 'entries' | 'all' = 'sorted'): unknown {
  if (Array.isArray(value)) return value.map(item => pairsOf(item, order === 'all' ? 'all' : 'sorted'))
  if (!isObject(value)) return value
  const entries = Object.entries(value)
  if (order === 'sorted') entries.sort(([a], [b]) => (a < b ? -1 : 1))
  const below = (key: string) => {
    if (order === 'all' || key === 'vary') return 'all'
    return order === 'sorted' && key === 'layers' ? 'entries' : 'sorted'
  }
  return entries.map(([key, item]) => [key, pairsOf(item, below(key))])
}

/** As ids are written here, and as training.initial takes them. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** As many as a sweep has experiments. */
const mostIds = 1000

/**
 * Every id in a body, wherever it stands: what a sweep varies may be training.initial, or anything around it. Throws
 * SpecError where there are more than there can be experiments that start from them.
 */
export function idsIn(body: unknown): Set<string> {
  const found = new Set<string>()
  // Not by recursion: a hostile body is nested as deep as it is long.
  const waiting = [body]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value === 'string' && uuid.test(value)) {
      found.add(value)
      if (found.size > mostIds)
        throw new SpecError([{ path: '$', message: `must not name more than ${mostIds} experiments` }])
    } else if (typeof value === 'object' && value !== null)
      for (const item of Object.values(value)) waiting.push(item)
  }
  return found
}
