/** The words of the replies to a bad spec: where, what was found, what would be right. */

import { wordsOf } from './patterns.ts'

/** Keys and indices from the root of the spec to a field. */
export type Path = (string | number)[]

/** The part of JSON Schema that the spec's schemas use. */
export type JsonSchema = {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  discriminator?: { propertyName: string }
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  propertyNames?: JsonSchema
  items?: JsonSchema
  default?: unknown
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  pattern?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  maxProperties?: number
}

/** A JSONPath (RFC 9535) in its shortest notation: $.layers.fc_1.freeze, $.keep[1], $.layers['odd name']. */
export function formatPath(path: Path): string {
  const step = (key: string | number) => {
    if (typeof key === 'number') return `[${key}]`
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `.${key}`
    // JSON's escapes are RFC 9535's too; only the quotes change sides.
    const escaped = JSON.stringify(key).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
    return `['${escaped}']`
  }
  return '$' + path.map(step).join('')
}

/** A value as a message shows it: short, and never more than one level deep, whatever was sent. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? value.slice(0, 59) + '…' : value)
  if (Array.isArray(value)) {
    const flat = value.length <= 8 && value.every(item => item === null || typeof item !== 'object')
    return flat ? `[${value.map(show).join(', ')}]` : `an array of ${value.length}`
  }
  if (typeof value === 'object' && value !== null) return `an object of ${Object.keys(value).length} entries`
  return value === undefined ? 'nothing' : String(value)
}

/** Most edits at which a word is still taken for another. */
const mostEdits = 2

/** '; did you mean x?' for the candidate closest to a word, '' where none is within two edits or a change of case. */
export function didYouMean(word: unknown, candidates: Iterable<string>): string {
  if (typeof word !== 'string' || word.length > 100) return ''
  const lower = word.toLowerCase()
  let best: string | undefined
  let fewest = mostEdits + 1
  for (const candidate of candidates) {
    const edits = distance(lower, candidate.toLowerCase())
    if (edits >= fewest || edits > Math.floor(candidate.length / 2)) continue
    best = candidate
    fewest = edits
  }
  return best === undefined ? '' : `; did you mean ${best}?`
}

/**
 * Edits between two words, a swap of neighbours counting as one (optimal string alignment), row by row of the table; any
 * number above `mostEdits` once there are more than that.
 */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > mostEdits) return mostEdits + 1
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1)
      least = Math.min(least, next[j])
    }
    // A swap reaches back two rows, at the cost of one edit.
    if (least > mostEdits + 1) return least
    before = row
    row = next
  }
  return row[b.length]
}

/** What a schema asks for, as the object of "must be": 'a number ≥ 0 and < 1', 'one of train, validation'. */
export function describe(schema: JsonSchema): string {
  if (schema.const !== undefined) return show(schema.const)
  if (schema.enum) return `one of ${schema.enum.join(', ')}`
  if (schema.anyOf) return schema.anyOf.map(describe).join(' or ')
  if (schema.oneOf)
    return `an object whose ${schema.discriminator?.propertyName ?? 'name'} is one of ${variantNames(schema).join(', ')}`
  if (Array.isArray(schema.type))
    return schema.type.map(type => (type === 'null' ? 'null' : describe({ ...schema, type }))).join(' or ')
  switch (schema.type) {
    case 'boolean':
      return 'true or false'
    case 'string':
      if (schema.pattern !== undefined) return wordsOf(schema.pattern)
      return 'a string' + range(schema.minLength, schema.maxLength, 'characters')
    case 'array':
      return `an array${range(schema.minItems, schema.maxItems, 'items')}, each ${describe(schema.items ?? {})}`
    case 'object':
      if (schema.properties) return `an object with the fields ${Object.keys(schema.properties).join(', ')}`
      return 'an object' + range(undefined, schema.maxProperties, 'entries')
    default:
      return (schema.type === 'integer' ? 'an integer' : 'a number') + bounds(schema)
  }
}

/** The names that tell the variants of a discriminated union apart. */
export function variantNames(schema: JsonSchema): string[] {
  const key = schema.discriminator?.propertyName ?? 'name'
  return (schema.oneOf ?? []).map(variant => String(variant.properties?.[key].const))
}

function range(least: number | undefined, most: number | undefined, what: string): string {
  if (least && most) return ` of ${least} to ${most} ${what}`
  if (most) return ` of at most ${most} ${what}`
  return least ? ` of at least ${least} ${what}` : ''
}

function bounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  const limits = [
    minimum !== undefined && `≥ ${minimum}`,
    exclusiveMinimum !== undefined && `> ${exclusiveMinimum}`,
    maximum !== undefined && `≤ ${maximum}`,
    exclusiveMaximum !== undefined && `< ${exclusiveMaximum}`,
  ].filter(limit => limit !== false)
  return limits.length > 0 ? ' ' + limits.join(' and ') : ''
}
