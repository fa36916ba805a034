/** How answers become JSON: by compiled serializers, each compiled once. */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type Build = ReturnType<typeof SerializerSelector>

/**
 * What Fastify calls to make the serializers of its routes. The same schema gives the same serializer: every route has the
 * same problems among its answers, and compiling each anew was half of the time that the API took to start.
 */
export function buildSerializers(): Build {
  const build = SerializerSelector()
  return (externalSchemas, options) => {
    const compile = build(externalSchemas, options)
    const known = new Map<string, ReturnType<typeof compile>>()
    return route => {
      const key = JSON.stringify(route.schema)
      const found = known.get(key) ?? compile(route)
      known.set(key, found)
      return found
    }
  }
}
