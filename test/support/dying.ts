/** Processes that die in the midst of what they do with PostgreSQL. */
import type { Database } from '../../src/store/database.ts'

/** A database of a process that dies, connection and all, before its n-th statement from now. */
export function dyingAt(real: Database, n: number): Database & { died: boolean } {
  const db = { prisma: real.prisma, close: async () => {}, died: false } as Database & { died: boolean }
  let statements = 0
  const counting = <T extends { query: unknown }>(target: T, others: object): T =>
    new Proxy(target, {
      get(_, name) {
        const found = Reflect.get(name in others ? others : target, name)
        if (name !== 'query') return typeof found === 'function' ? found.bind(target) : found
        return async (...args: unknown[]) => {
          db.died ||= ++statements >= n
          if (db.died) throw new Error('this process is gone')
          return found.apply(target, args)
        }
      },
    })
  db.pool = counting(real.pool, {
    connect: async () => {
      const client = await real.pool.connect()
      // The server rolls back what a connection that is gone had not committed.
      return counting(client, { release: () => client.release(db.died) })
    },
  })
  return db
}
