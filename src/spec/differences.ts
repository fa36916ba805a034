/** In what resolved specs differ: field by field, each with its values. */
import { nameOf } from './field-names.ts'
import { isObject } from './json-path.ts'

/** Fields in which specs differ that are shown: a spec may have many thousands. */
const mostFields = 1000

export type SpecDifference = { path: string; values: unknown[] }

const isScalar = (value: unknown) => typeof value !== 'object' || value === null

/** Every field that holds no others, by its path: a list of numbers or texts is one. */
function fieldsOf(spec: unknown): Map<string, unknown> {
  const fields = new Map<string, unknown>()
  const walk = (value: unknown, path: string) => {
    if (isObject(value) && Object.keys(value).length > 0)
      for (const [key, inner] of Object.entries(value))
        walk(inner, path === '' ? nameOf([key]) : `${path}.${nameOf([key])}`)
    else if (Array.isArray(value) && !value.every(isScalar))
      for (const [i, inner] of value.entries()) walk(inner, `${path}[${i}]`)
    else fields.set(path, value)
  }
  walk(spec, '')
  return fields
}

/** The fields in which specs differ but `name`, in the order of the specs; null where one has no such field. */
export function differencesOf(specs: object[]): { differences: SpecDifference[]; leftOut: number } {
  const all = specs.map(spec => fieldsOf({ ...spec, name: undefined }))
  const paths = new Set(all.flatMap(fields => [...fields.keys()]))
  paths.delete('name')
  const differences: SpecDifference[] = []
  let leftOut = 0
  for (const path of paths) {
    const values = all.map(fields => fields.get(path) ?? null)
    // Empty in one, and in another not: what is in it says all.
    if (values.some(value => isObject(value)) && [...paths].some(other => other.startsWith(`${path}.`)))
      continue
    if (new Set(values.map(value => JSON.stringify(value))).size === 1) continue
    if (differences.length < mostFields) differences.push({ path, values })
    else leftOut++
  }
  return { differences, leftOut }
}
