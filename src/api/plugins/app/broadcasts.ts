/** One broadcast of events for every experiment that somebody listens to, shared by all who do. */
import fp from 'fastify-plugin'
import { type Broadcasts, openBroadcasts } from '../../routes/events/broadcast.ts'

declare module 'fastify' {
  interface FastifyInstance {
    broadcasts: Broadcasts
  }
}

export default fp(
  async app => {
    const broadcasts = openBroadcasts(app.db, app.watch, error =>
      app.log.error({ err: error }, 'a broadcast of events ended'),
    )
    app.decorate('broadcasts', broadcasts)
    app.addHook('onClose', async () => broadcasts.close())
  },
  { name: 'broadcasts', dependencies: ['watch'] },
)
