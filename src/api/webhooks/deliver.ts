/** Sends one webhook, signed as https://www.standardwebhooks.com has it. */
import { createHmac } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { ForbiddenAddress, isForbidden, publicLookup } from './address.ts'

/** From the look-up to the head of the answer. */
const patienceMs = 10_000

export type Message = { id: string; url: string; body: string; secret: Uint8Array }

/** The headers that say who sends it, when, and that nobody has changed it on the way. */
export function sign({ id, body, secret }: Omit<Message, 'url'>, now = new Date()): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}

/** Resolves when the receiver has taken it (2xx); rejects otherwise. Redirects are not followed. */
export function deliver(message: Message, toPrivate: boolean): Promise<void> {
  const url = new URL(message.url)
  if (!toPrivate && isForbidden(url)) throw new ForbiddenAddress()
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  const body = Buffer.from(message.body)
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      // A connection of its own: one that was made under another look-up is never taken up.
      agent: false,
      ...(!toPrivate && { lookup: publicLookup }),
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        'user-agent': 'loss-ledger',
        ...sign(message),
      },
      signal: AbortSignal.timeout(patienceMs),
    })
    sent.on('error', reject)
    sent.on('response', answer => {
      const { statusCode = 0 } = answer
      // What it says beyond that is of no interest, however long it is.
      answer.on('error', () => {})
      answer.destroy()
      if (statusCode >= 200 && statusCode < 300) resolve()
      else reject(new Error(`the receiver answered ${statusCode}`))
    })
    sent.end(body)
  })
}
