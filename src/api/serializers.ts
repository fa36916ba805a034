/** How answers become JSON: by serializers, each compiled once, from what it refers to and no more. */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type Build = ReturnType<typeof SerializerSelector>
type Serialize = ReturnType<ReturnType<Build>>

/**
 * What Fastify calls to make the serializers of one application's routes. The same schema gives the same serializer: every
 * route has the same problems among its answers, and a shared schema is the same for all routes. A serializer is given only
 * those shared schemas that its own refers to: it reads and checks all that it is given, and with all of them the API was
 * two seconds at it whenever it started. All are compiled before the first request: none is to keep the event loop for that.
 */
export function buildSerializers(): Build {
  const build = SerializerSelector()
  const known = new Map<string, Serialize>()
  const references = new Map<string, string[]>()
  return (externalSchemas, options) => {
    const shared = (externalSchemas ?? {}) as Record<string, unknown>
    return route => {
      const key = JSON.stringify(route.schema)
      let serialize = known.get(key)
      if (serialize === undefined) {
        serialize = build(neededBy(route.schema, shared), options)(route)
        known.set(key, serialize)
      }
      return serialize
    }
  }

  /** Those of the shared schemas that a schema refers to, or that one of them does. */
  function neededBy(schema: unknown, shared: Record<string, unknown>): Record<string, unknown> {
    const needed = new Set(referencesOf(schema))
    // A set that grows while it is walked is walked to its end.
    for (const id of needed) {
      const further = references.get(id) ?? referencesOf(shared[id])
      references.set(id, further)
      for (const other of further) needed.add(other)
    }
    return Object.fromEntries([...needed].map(id => [id, shared[id]]))
  }
}

/** The identifiers of the shared schemas that a schema refers to; a reference to a part of itself, `#/…`, names none. */
function referencesOf(schema: unknown): string[] {
  const found = new Set<string>()
  const walk = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return
    for (const [name, value] of Object.entries(part))
      if (name === '$ref' && typeof value === 'string') found.add(value.split('#', 1)[0]!)
      else walk(value)
  }
  walk(schema)
  found.delete('')
  return [...found]
}
