/** Sends what is in the outbox of webhooks, for as long as this process serves. */
import fp from 'fastify-plugin'
import {
  type Delivery,
  mostAttempts,
  postponeDelivery,
  removeDelivery,
  takeDeliveries,
  webhookSecret,
} from '../../../store/webhooks.ts'
import { ForbiddenAddress } from '../../webhooks/address.ts'
import { deliver } from '../../webhooks/deliver.ts'

/** Milliseconds between two looks into the outbox; deliveries under way at once, and of one tenant. */
const pace = 1000
const atOnce = 16
const perTenant = 4

export default fp(
  async app => {
    const underWay = new Set<{ tenant: string; done: Promise<void> }>()
    let timer: NodeJS.Timeout | undefined
    let looking: Promise<void> | undefined
    let again = false
    let closed = false

    const send = async (delivery: Delivery) => {
      const { id, url, event, tenant, attempts, experimentId } = delivery
      // Of the URL the host only: its path may be a secret of the receiver's.
      const told = { experiment: experimentId, event, host: new URL(url).host, attempt: attempts }
      try {
        const secret = await webhookSecret(app.db, tenant)
        const body = JSON.stringify(delivery.payload)
        await deliver({ id, url, body, secret }, app.config.webhooksToPrivate)
        await removeDelivery(app.db, id)
        app.log.info(told, 'webhook delivered')
      } catch (error) {
        const hopeless = error instanceof ForbiddenAddress || attempts >= mostAttempts
        app.log.warn({ ...told, err: error }, hopeless ? 'webhook given up' : 'webhook will be sent again')
        await (hopeless ? removeDelivery(app.db, id) : postponeDelivery(app.db, id))
      }
    }
    /** Begins with what is due, as far as there is room. Each goes its own way: a slow receiver holds up nobody else's. */
    const take = async () => {
      const busy = [...underWay].map(({ tenant }) => tenant)
      const limit = atOnce - busy.length
      if (limit === 0) return
      for (const delivery of await takeDeliveries(app.db, { limit, perTenant, busy })) {
        const done = send(delivery)
          .catch(error => app.log.warn({ err: error }, 'what became of a webhook could not be stored'))
          .then(() => {
            underWay.delete(entry)
            look()
          })
        const entry = { tenant: delivery.tenant, done }
        underWay.add(entry)
      }
    }
    /** Looks now, or once more when the look that is under way is over; and from then on at the pace. */
    const look = () => {
      again = looking !== undefined
      if (closed || again) return
      clearTimeout(timer)
      looking = take()
        .catch(error => app.log.warn({ err: error }, 'the outbox of webhooks cannot be read'))
        .then(() => {
          looking = undefined
          if (again) look()
          else schedule()
        })
    }
    const schedule = () => {
      if (closed) return
      timer = setTimeout(look, pace)
      timer.unref()
    }
    app.addHook('onListen', async () => schedule())
    app.addHook('preClose', async () => {
      closed = true
      clearTimeout(timer)
      await looking
      await Promise.all([...underWay].map(({ done }) => done))
    })
  },
  { name: 'webhooks' },
)
