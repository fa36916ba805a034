/**
 * Tables of the ledger are the heaviest answers there are. A tenant has so many at a time, and a few more may wait for
 * their turn; whoever comes when those places are taken too is told to come back (429). A route says `config: { table: true }`.
 */
import fp from 'fastify-plugin'
import { ProblemError } from '../../problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the answer is a table of the ledger. */
    table?: boolean
  }
}

/** Milliseconds that a request waits for a place. */
const patience = 5000

export default fp(
  async app => {
    const places = makePlaces(app.config.maxTables)
    app.addHook('onRoute', route => {
      if (!(route.config as { table?: boolean } | undefined)?.table) return
      route.preHandler = [
        ...[route.preHandler ?? []].flat(),
        async (request, reply) => {
          const release = await places.take(request.caller.owner, patience)
          if (reply.raw.destroyed) release()
          else reply.raw.once('close', release)
        },
      ]
    })
  },
  { name: 'tables', dependencies: ['auth'] },
)

type Places = { taken: number; waiting: (() => void)[] }

/** Places by tenant, `most` of each; 0: any number. As many as there are may be waited for at once. */
export function makePlaces(most: number) {
  const tenants = new Map<string, Places>()
  const releaser = (tenant: string, places: Places) => {
    let released = false
    return () => {
      if (released) return
      released = true
      const next = places.waiting.shift()
      // A place goes from one to the next without having been free.
      if (next) next()
      else if (--places.taken === 0) tenants.delete(tenant)
    }
  }
  return {
    /** Resolves to what gives the place back, once there is one. Throws 429 where that takes longer than `milliseconds`. */
    async take(tenant: string, milliseconds: number): Promise<() => void> {
      if (most === 0) return () => {}
      const places = tenants.get(tenant) ?? { taken: 0, waiting: [] }
      tenants.set(tenant, places)
      if (places.taken < most) {
        places.taken++
        return releaser(tenant, places)
      }
      if (places.waiting.length >= most) throw tooMany(most)
      await new Promise<void>((resolve, reject) => {
        const go = () => {
          clearTimeout(timer)
          resolve()
        }
        const timer = setTimeout(() => {
          places.waiting.splice(places.waiting.indexOf(go), 1)
          reject(tooMany(most))
        }, milliseconds)
        places.waiting.push(go)
      })
      return releaser(tenant, places)
    },
  }
}

const tooMany = (most: number) =>
  new ProblemError(
    'too-many-requests',
    `${most} tables are on their way to you already: read them, or close their connections`,
    { headers: { 'retry-after': '5' } },
  )
