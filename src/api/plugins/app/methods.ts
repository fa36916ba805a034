/** Which routes there are, and 405 with Allow where a path exists, but not under the method that was used. */
import type { FastifyInstance, FastifySchema, HTTPMethods } from 'fastify'
import { ProblemError } from '../../problem.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
const undocumented: FastifySchema = { hide: true }

/** The methods of every path. */
export type RouteTable = Map<string, Set<string>>

/** Notes every route that is registered from here on. */
export function noteRoutes(app: FastifyInstance): RouteTable {
  const table: RouteTable = new Map()
  app.addHook('onRoute', ({ url, method, schema }) => {
    if (schema?.hide) return
    const known = table.get(url) ?? new Set()
    for (const one of [method].flat()) known.add(one)
    // Fastify answers HEAD wherever it answers GET.
    if (known.has('GET')) known.add('HEAD')
    table.set(url, known)
  })
  return table
}

/** Answers 405 for every other method of the paths in the table. */
export function refuseOtherMethods(app: FastifyInstance, table: RouteTable): void {
  for (const [url, known] of table) {
    const others = methods.filter(method => !known.has(method)) as HTTPMethods[]
    const allow = [...known].sort().join(', ')
    const refuse = async () => {
      throw new ProblemError('method-not-allowed', `allowed here: ${allow}`, { headers: { allow } })
    }
    // Refused before its body is read.
    app.route({ url, method: others, schema: undocumented, onRequest: refuse, handler: refuse })
  }
}
