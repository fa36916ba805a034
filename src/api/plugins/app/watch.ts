/**
 * Looks experiments up, and tells who follows one of them when it changes. However many follow, there is one query every
 * half second for all experiments that anybody follows, and none when nobody does.
 */
import fp from 'fastify-plugin'
import type { Reader } from '../../../store/experiments.ts'
import { batched } from '../../batch.ts'
import { experimentNotFound } from '../../problem.ts'
import { type Found, type FoundWhole, loadExperiments, loadStates } from '../../routes/experiments/query.ts'

/** Milliseconds between two looks. */
const pace = 500
/** Experiments of one query: what is made of it keeps the event loop for some milliseconds. */
const atATime = 500

type Follower = (found: Found | undefined) => void

export type Watch = {
  /** The experiment, as the reader may see it. Throws 404. */
  find(id: string, reader: Reader): Promise<FoundWhole>
  /** Calls the follower soon, and after every change; with undefined when the experiment is gone. Returns what ends it. */
  follow(id: string, follower: Follower): () => void
}

declare module 'fastify' {
  interface FastifyInstance {
    watch: Watch
  }
}

export default fp(
  async app => {
    const load = batched(ids => loadExperiments(app.db, ids))
    const followed = new Map<string, { etag: string | undefined; followers: Set<Follower> }>()
    let timer: NodeJS.Timeout | undefined
    let closed = false

    const look = async () => {
      try {
        const ids = [...followed.keys()]
        for (let i = 0; i < ids.length; i += atATime) {
          const some = ids.slice(i, i + atATime)
          const found = await loadStates(app.db, some)
          for (const id of some) {
            const entry = followed.get(id)
            const now = found.get(id)
            const etag = now?.etag ?? ''
            if (entry === undefined || entry.etag === etag) continue
            entry.etag = etag
            for (const follower of [...entry.followers]) follower(now)
          }
        }
      } catch (error) {
        // Whoever follows hears of it when the database is back.
        app.log.warn({ err: error }, 'experiments cannot be watched')
      }
      timer = undefined
      schedule()
    }
    const schedule = () => {
      if (timer === undefined && followed.size > 0 && !closed) timer = setTimeout(look, pace)
    }

    const watch: Watch = {
      async find(id, { tenant }) {
        const found = await load(id.toLowerCase())
        if (!found || (tenant !== null && found.tenant !== tenant)) throw experimentNotFound(id)
        return found
      },
      follow(id, follower) {
        const entry = followed.get(id) ?? { etag: undefined, followers: new Set() }
        // Whoever comes later is told what is there now, too.
        entry.etag = undefined
        entry.followers.add(follower)
        followed.set(id, entry)
        schedule()
        // Whoever was on the way here when the server began to close is let go as those who were here; not before the
        // caller knows how to stop.
        if (closed) setImmediate(() => follower(undefined))
        return () => {
          entry.followers.delete(follower)
          if (entry.followers.size === 0 && followed.get(id) === entry) followed.delete(id)
        }
      },
    }
    app.decorate('watch', watch)
    // Before the server waits for its open answers: whoever waits here is let go.
    app.addHook('preClose', async () => {
      closed = true
      clearTimeout(timer)
      for (const { followers } of [...followed.values()])
        for (const follower of [...followers]) follower(undefined)
    })
  },
  { name: 'watch' },
)
