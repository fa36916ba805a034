/**
 * A posted document cut down to what its schema can speak of. Ajv goes through everything that is there, also when there is
 * far more of it than the schema allows, and makes an error of each: what is cut here is wrong already.
 */
import { variantOf } from './defaults.ts'
import type { JsonSchema } from './messages.ts'

/** Unknown keys that are kept, in the whole document. */
const mostUnknown = 100

/**
 * The document with at most one item more in each array and dictionary than its schema allows, and with the first hundred
 * keys that it does not know: as wrong as before, and small. What needs no cut is the same object; `value` is not changed.
 * Not for schemas that leave open what is in them: below those nothing is cut.
 */
export function trimmed(schema: JsonSchema, value: unknown): unknown {
  return trim(schema, value, { unknown: mostUnknown })
}

function trim(schema: JsonSchema, value: unknown, left: { unknown: number }): unknown {
  if (Array.isArray(value)) {
    const { items, maxItems = Number.POSITIVE_INFINITY } = branchOf(schema, 'array')
    const kept = value.length > maxItems ? value.slice(0, maxItems + 1) : value
    return items === undefined ? kept : mapped(kept, item => trim(items, item, left))
  }
  if (typeof value !== 'object' || value === null) return value
  const object = value as Record<string, unknown>
  const branch = schema.oneOf ? schema : branchOf(schema, 'object')
  const {
    properties,
    additionalProperties,
    maxProperties = Number.POSITIVE_INFINITY,
  } = variantOf(branch, object)
  if (additionalProperties === true) return value
  const entries: [string, unknown][] = []
  let changed = false
  for (const key of Object.keys(object)) {
    const known = properties === undefined ? (additionalProperties as JsonSchema | undefined) : undefined
    const child = properties && Object.hasOwn(properties, key) ? properties[key] : known
    const keep = child === undefined ? left.unknown-- > 0 : entries.length <= maxProperties
    if (!keep) {
      changed = true
      // Of a dictionary nothing more comes; of other objects a field that is known may.
      if (properties === undefined) break
      continue
    }
    const item = child === undefined ? object[key] : trim(child, object[key], left)
    changed ||= item !== object[key]
    entries.push([key, item])
  }
  // fromEntries defines keys, so one named __proto__ is a key like any other.
  return changed ? Object.fromEntries(entries) : value
}

/** The schema itself, or the branch of a union that takes values of this type. */
const branchOf = (schema: JsonSchema, type: 'array' | 'object'): JsonSchema =>
  schema.anyOf?.find(branch => branch.type === type) ?? schema

function mapped(items: unknown[], trimItem: (item: unknown) => unknown): unknown[] {
  const copy = items.map(trimItem)
  return copy.some((item, i) => item !== items[i]) ? copy : items
}
