/** gzip, where a route wants it and Accept-Encoding asks for it: @fastify/compress. */
import compress from '@fastify/compress'
import fp from 'fastify-plugin'

/**
 * For tables. Level 1: numbers in text shrink to a quarter with it, and the better levels cost more time than the
 * network saves. A route's options stand alone: the plugin does not merge them with its own.
 */
export const tableCompression = {
  encodings: ['gzip' as const],
  zlibOptions: { level: 1 },
  // Arrow is not among the types that are known to shrink; numbers do.
  customTypes: /json|csv|arrow/,
}

export default fp(
  async app => {
    await app.register(compress, { global: false })
  },
  { name: 'compression' },
)
