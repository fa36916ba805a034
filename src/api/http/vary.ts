/** What an answer depends on beside its URL. */
import type { FastifyReply } from 'fastify'

/** Adds the names of request headers to Vary, which CORS and compression have a part in as well. */
export function addVary(reply: FastifyReply, ...names: string[]): void {
  const known = String(reply.getHeader('vary') ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
  const added = names.filter(name => !known.some(other => other.toLowerCase() === name))
  reply.header('vary', [...known, ...added].join(', '))
}
