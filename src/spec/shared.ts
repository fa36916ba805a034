/** A schema in which what is there several times is there once: Ajv then writes code for it once. */
import type { JsonSchema } from './messages.ts'

/** Bytes of JSON from which a function of its own is less code than the check itself. */
const least = 150

/**
 * The same schema with parts that repeat (the schedule of every optimizer, the layers within a residual block) under `$defs`, and
 * references in their places; and which part of the original each of its parts stands for. Parts of an anyOf stay where they
 * are: whoever reads Ajv's errors tells by their paths which branch they are of. So do the variants of a oneOf and what
 * tells them apart, which Ajv wants to see.
 */
export function shareParts(schema: JsonSchema): { schema: object; originals: WeakMap<object, JsonSchema> } {
  const times = new Map<string, number>()
  const count = (part: JsonSchema, mayMove: boolean): JsonSchema => {
    const text = mayMove && !('const' in part) ? JSON.stringify(part) : ''
    if (text.length >= least) {
      const before = times.get(text) ?? 0
      times.set(text, before + 1)
      // Its own parts have been counted.
      if (before > 0) return part
    }
    eachPart(part, count)
    return part
  }
  count(schema, false)

  const originals = new WeakMap<object, JsonSchema>()
  const definitions: Record<string, object> = {}
  const references = new Map<string, { $ref: string }>()
  const copy = (part: JsonSchema): JsonSchema => {
    const made = eachPart(part, move)
    originals.set(made, part)
    return made
  }
  const move = (part: JsonSchema, mayMove: boolean): JsonSchema => {
    const text = mayMove && !('const' in part) ? JSON.stringify(part) : ''
    if ((times.get(text) ?? 0) < 2) return copy(part)
    let reference = references.get(text)
    if (reference === undefined) {
      const name = `part${references.size}`
      reference = { $ref: `#/$defs/${name}` }
      references.set(text, reference)
      definitions[name] = copy(part)
    }
    return reference as JsonSchema
  }
  const made = Object.assign(copy(schema), { $defs: definitions })
  return { schema: made, originals }
}

/** The schema with another in the place of each of its parts; whether that may be a reference is said. */
function eachPart(schema: JsonSchema, other: (part: JsonSchema, mayMove: boolean) => JsonSchema): JsonSchema {
  const { properties, items, additionalProperties, oneOf } = schema
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, part]) => [name, other(part, true)]),
      ),
    }),
    ...(items && { items: other(items, true) }),
    ...(typeof additionalProperties === 'object' && {
      additionalProperties: other(additionalProperties, true),
    }),
    ...(oneOf && { oneOf: oneOf.map(part => other(part, false)) }),
  }
}
