/** Defaults: a spec as posted becomes a spec in full, by walking its schema. */
import { formatPath, type JsonSchema, type Path } from './messages.ts'
import type { Violation } from './validate.ts'

/**
 * A copy of `value` that holds only what the schema knows, with every `default` of the schema filled in, in the order
 * of the schema. Keys of dictionaries (tags, layers) are the user's: below them nothing is added.
 *
 * The fields that are wrong are left out, and wrong or missing numbers become NaN, which no comparison finds too large
 * or too small: so what is right about a spec can still be checked when other parts of it are not.
 */
export function withDefaults(schema: JsonSchema, value: unknown, violations: Violation[]): unknown {
  return fill(
    schema,
    value,
    [],
    true,
    new Map(violations.map(violation => [violation.path, violation.schema])),
  )
}

function fill(
  schema: JsonSchema,
  value: unknown,
  at: Path,
  defaults: boolean,
  wrong: Map<string, JsonSchema>,
): unknown {
  const wanted = wrong.size > 0 ? wrong.get(formatPath(at)) : undefined
  if (wanted) {
    if (isNumeric(wanted)) return Number.NaN
    // A wrong object still has the defaults that the checks of other fields look at.
    value = schema.type === 'object' ? {} : undefined
  }
  if (value === undefined && defaults) value = structuredClone(schema.default)
  if (value === undefined) return undefined

  const below = (child: JsonSchema, key: string | number, deeper = defaults) =>
    fill(child, (value as Record<string | number, unknown>)[key], [...at, key], deeper, wrong)

  if (Array.isArray(value)) {
    const items = value.map((_, index) => below(schema.items ?? {}, index))
    return items.filter(item => item !== undefined)
  }
  if (typeof value !== 'object' || value === null) return value

  const { properties, additionalProperties } = variantOf(schema, value as Record<string, unknown>)
  if (!properties) {
    const entry = additionalProperties as JsonSchema
    // fromEntries defines keys, so a key named __proto__ is one like any other.
    return Object.fromEntries(
      Object.keys(value)
        .map(key => [key, below(entry, key, false)] as const)
        .filter(([, filled]) => filled !== undefined),
    )
  }
  const entries = Object.entries(properties).map(([key, child]) => {
    const given = Object.hasOwn(value, key) ? key : undefined
    return [
      key,
      given === undefined ? fill(child, undefined, [...at, key], defaults, wrong) : below(child, key),
    ]
  })
  return Object.fromEntries(entries.filter(([, filled]) => filled !== undefined))
}

/** The schema of an object: itself, or the variant of a union that the object is. */
export function variantOf(schema: JsonSchema, value: Record<string, unknown>): JsonSchema {
  const variants = schema.oneOf ?? schema.anyOf
  if (!variants) return schema
  const key = schema.discriminator?.propertyName ?? 'name'
  const fits = (variant: JsonSchema) =>
    variant.properties && (!schema.oneOf || variant.properties[key].const === value[key])
  // Nothing is known of a union whose discriminator is wrong.
  return variants.find(fits) ?? { properties: {} }
}

const isNumeric = (schema: JsonSchema): boolean =>
  schema.type === 'integer' || schema.type === 'number' || (schema.anyOf ?? []).some(isNumeric)
