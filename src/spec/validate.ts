/** The form of a spec: every violation of the schema, in words, and which fields are therefore unknown. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { FieldError } from './errors.ts'
import {
  describe,
  didYouMean,
  formatPath,
  type JsonSchema,
  type Path,
  show,
  variantNames,
} from './messages.ts'
import { CompleteSpec } from './schema.ts'
import { shareParts } from './shared.ts'
import { SweepSpec } from './sweep-schema.ts'
import { trimmed } from './trim.ts'

/** A wrong field of the posted document, and what the schema wanted there. */
export type Violation = FieldError & { at: Path; schema: JsonSchema }

// ownProperties: a key that only Object.prototype has is not a field that was given. Optimizing the code that checks takes
// longer, in every process that starts, than checking hundreds of specs with the code as it comes.
const ajv = new Ajv({
  ...{ allErrors: true, verbose: true, discriminator: true, ownProperties: true },
  ...{ inlineRefs: false, code: { optimize: false } },
})
const known = new Map<object, { validate: ValidateFunction; originals: WeakMap<object, JsonSchema> }>()

/** Beyond this many errors a document is not a spec with mistakes in it; explaining them all would only take time. */
const mostErrors = 300

/**
 * Every violation of ExperimentSpec, at most one for each field, in the order of the schema. Never throws. The first call
 * compiles the schema (some 0.1 s), which most processes that import this never need.
 */
export const schemaViolations = (input: unknown): Violation[] => violationsBy(CompleteSpec, input)

/** Every violation of SweepSpec, which looks no further into the specs than that they are objects. */
export const sweepViolations = (input: unknown): Violation[] => violationsBy(SweepSpec, input)

/** The same for any other body, by its schema, which the first call compiles. */
export function violationsBy(schema: object, input: unknown): Violation[] {
  const whole = schema as JsonSchema
  let compiled = known.get(whole)
  if (compiled === undefined) {
    const { schema, originals } = shareParts(whole)
    compiled = { validate: ajv.compile(schema), originals }
    known.set(whole, compiled)
  }
  const { validate, originals } = compiled
  if (validate(trimmed(whole, input))) return []
  const errors = validate.errors ?? []
  const found = new Map<string, Violation>()
  if (errors.length > mostErrors) {
    const message = `has more than ${mostErrors} errors; only the first ones are listed`
    found.set('$', { path: '$', message, at: [], schema: {} })
  }
  for (const error of withoutBranches(errors.slice(0, mostErrors), input)) {
    const { at, message, schema } = explain(error, originals, input)
    const path = formatPath(at)
    if (!found.has(path)) found.set(path, { path, message, at, schema })
  }
  return [...found.values()]
}

/**
 * A value that fits no branch of an anyOf is reported once for each branch, and once more for the whole. Where it is an
 * object and a branch takes objects, the errors inside that branch are the ones to tell; else the one for the whole.
 */
function withoutBranches(errors: ErrorObject[], input: unknown): ErrorObject[] {
  let kept = errors.filter(error => error.propertyName === undefined)
  for (const union of kept.filter(error => error.keyword === 'anyOf')) {
    const within = (error: ErrorObject, branch: string) =>
      error.schemaPath.startsWith(`${union.schemaPath}/${branch}`) &&
      (error.instancePath === union.instancePath || error.instancePath.startsWith(union.instancePath + '/'))
    const branches = union.schema as JsonSchema[]
    const taken = isObject(valueAt(input, pointerPath(union.instancePath)))
      ? branches.findIndex(branch => branch.type === 'object')
      : -1
    kept = kept.filter(error =>
      taken < 0 ? !within(error, '') : error !== union && (!within(error, '') || within(error, `${taken}/`)),
    )
  }
  return kept
}

/** One error of Ajv as a field and a sentence. */
function explain(
  error: ErrorObject,
  originals: WeakMap<object, JsonSchema>,
  input: unknown,
): { at: Path; message: string; schema: JsonSchema } {
  const found = error.parentSchema ?? {}
  const schema = originals.get(found) ?? (found as JsonSchema)
  const at = pointerPath(error.instancePath, input)
  switch (error.keyword) {
    case 'required': {
      const wanted = schema.properties?.[error.params.missingProperty] ?? {}
      return {
        at: [...at, error.params.missingProperty],
        message: `is required: ${describe(wanted)}`,
        schema: wanted,
      }
    }
    case 'additionalProperties': {
      const key: string = error.params.additionalProperty
      const fields = Object.keys(schema.properties ?? {})
      const message = `is not a field here${didYouMean(key, fields) || ';'} fields: ${fields.join(', ')}`
      return { at: [...at, key], message, schema: {} }
    }
    case 'propertyNames':
      return {
        at: [...at, error.params.propertyName],
        message: `must have a key that is ${describe(schema.propertyNames ?? {})}`,
        schema: {},
      }
    case 'discriminator': {
      const { tag, tagValue } = error.params
      const names = variantNames(schema)
      const message =
        tagValue === undefined
          ? `is required: one of ${names.join(', ')}`
          : `must be one of ${names.join(', ')}, got ${show(tagValue)}${didYouMean(tagValue, names)}`
      return { at: [...at, tag], message, schema: {} }
    }
    case 'uniqueItems': {
      const index = Math.max(error.params.i, error.params.j)
      const repeated = show((error.data as unknown[])[index])
      return { at: [...at, index], message: `repeats ${repeated}; each may be there once`, schema: {} }
    }
    default: {
      // As it was posted: Ajv may have seen less of it.
      const got = valueAt(input, at)
      const suggestion = schema.enum ? didYouMean(got, schema.enum.map(String)) : ''
      return { at, message: `must be ${describe(schema)}, got ${show(got)}${suggestion}`, schema }
    }
  }
}

/** A JSON pointer (RFC 6901) as keys, and as indices where the document has arrays. */
function pointerPath(pointer: string, document?: unknown): Path {
  const path: Path = []
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(valueAt(document, path)) ? Number(key) : key)
  }
  return path
}

function valueAt(document: unknown, path: Path): unknown {
  let value = document
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string | number, unknown>)[key]
  }
  return value
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
