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

/** Milliseconds between two looks into the outbox, and deliveries under way at once. */
const pace = 1000
const atOnce = 16

export default fp(
  async app => {
    let timer: NodeJS.Timeout | undefined
    let running: Promise<void> | undefined
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
    const look = async () => {
      try {
        for (;;) {
          const due = closed ? [] : await takeDeliveries(app.db, atOnce)
          if (due.length === 0) break
          await Promise.allSettled(due.map(send))
        }
      } catch (error) {
        if (!closed) app.log.warn({ err: error }, 'the outbox of webhooks cannot be read')
      }
      running = undefined
      if (!closed) schedule()
    }
    const schedule = () => {
      timer = setTimeout(() => {
        running = look()
      }, pace)
      timer.unref()
    }
    app.addHook('onListen', async () => schedule())
    app.addHook('preClose', async () => {
      closed = true
      clearTimeout(timer)
      await running
    })
  },
  { name: 'webhooks' },
)
