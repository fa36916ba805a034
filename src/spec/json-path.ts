/** Paths into JSON documents: read from text, followed, written through, merged. Nothing here changes its input. */
import { formatPath, type Path } from './messages.ts'

const step = /^(?:\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\])/

/**
 * A JSONPath that names one place: $.layers.fc_1.freeze, $.layers['block*'].freeze, $.optimizer.schedule.boundaries[0];
 * the $. may be left out. undefined for anything else, wildcards and filters included.
 */
export function parsePath(text: string): Path | undefined {
  const path: Path = []
  let rest = text.startsWith('$') ? text.slice(1) : text
  while (rest !== '') {
    const found = step.exec(rest)
    // Only the first name may stand without its dot, and only where there is no $.
    if (!found || (/^[A-Za-z_]/.test(rest) && (path.length > 0 || text.startsWith('$')))) return undefined
    const [whole, name, index, single, double] = found
    const quoted = single?.replaceAll("\\'", "'").replaceAll(/(?<!\\)"/g, '\\"') ?? double
    if (index !== undefined) path.push(Number(index))
    else if (name !== undefined) path.push(name)
    else {
      try {
        path.push(JSON.parse(`"${quoted}"`) as string)
      } catch {
        return undefined
      }
    }
    rest = rest.slice(whole.length)
  }
  return path
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether objects and arrays are nested deeper than `most`. Looks no deeper than that. */
export function isDeeperThan(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return most === 0 || Object.values(value).some(item => isDeeperThan(item, most - 1))
}

/** The document with `value` at the path, objects made on the way. undefined where a value on the way is in it. */
export function setAt(document: unknown, path: Path, value: unknown): unknown {
  if (path.length === 0) return value
  const [key, ...rest] = path
  if (typeof key === 'number') {
    if (!Array.isArray(document) || key >= document.length) return undefined
    const item = setAt(document[key], rest, value)
    return item === undefined ? undefined : document.map((old, i) => (i === key ? item : old))
  }
  if (document !== undefined && !isObject(document)) return undefined
  const below = document !== undefined && Object.hasOwn(document, key) ? document[key] : undefined
  const item = setAt(below, rest, value)
  return item === undefined ? undefined : withEntry(document ?? {}, key, item)
}

/** JSON Merge Patch (RFC 7396): objects merge, null removes, anything else replaces. */
export function mergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const entries = new Map(Object.entries(isObject(document) ? document : {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) entries.delete(key)
    else entries.set(key, mergePatch(entries.get(key), value))
  }
  return Object.fromEntries(entries)
}

// A map keeps the place of a key that is set again: in `layers` the order has a meaning. fromEntries defines keys, so one
// named __proto__ is a key like any other.
const withEntry = (object: Record<string, unknown>, key: string, value: unknown) =>
  Object.fromEntries(new Map(Object.entries(object)).set(key, value))

/** Every leaf of a patch as path=value, in the order in which they stand: optimizer.learningRate=0.1. */
export function leaves(value: unknown, at: Path = []): { path: Path; text: string }[] {
  if (isObject(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, item]) => leaves(item, [...at, key]))
  return [
    {
      path: at,
      text: `${formatPath(at).replace(/^\$\.?/, '')}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    },
  ]
}
