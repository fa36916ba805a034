/** Servers between a client and a real S3 server, that break connections or refuse when they are told to. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { S3Server } from './s3-server.ts'

export type FaultyProxy = S3Server & {
  /** Says of every request whether its connection breaks in the middle of its body. */
  breaks: (request: IncomingMessage) => boolean
  /** Bytes of an answer's body after which nothing more comes; all of them where undefined. */
  cuts: (request: IncomingMessage) => number | undefined
  /** Whether the connection stays open then. */
  hangs: boolean
  requests: number
}

/** The same server behind a proxy that can be told to fail. */
export async function startFaultyProxy(server: S3Server): Promise<FaultyProxy> {
  const target = new URL(server.config.endpoint!)
  const proxy = createServer((incoming, answer) => {
    faulty.requests += 1
    if (faulty.breaks(incoming)) {
      incoming.once('data', () => incoming.socket.destroy())
      if (incoming.headers['content-length'] === undefined) incoming.socket.destroy()
      return
    }
    const { method, url: path, headers } = incoming
    const outgoing = request({ host: target.hostname, port: target.port, method, path, headers }, reply => {
      answer.writeHead(reply.statusCode!, reply.headers)
      const cut = faulty.cuts(incoming)
      if (cut === undefined) return void reply.pipe(answer)
      let left = cut
      reply.on('data', (chunk: Buffer) => {
        const some = chunk.subarray(0, left)
        left -= some.length
        answer.write(some, () => left === 0 && !faulty.hangs && answer.destroy())
      })
    })
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const faulty: FaultyProxy = {
    config: { ...server.config, endpoint: `http://127.0.0.1:${port}` },
    breaks: () => false,
    cuts: () => undefined,
    hangs: false,
    requests: 0,
    async stop() {
      proxy.closeAllConnections()
      proxy.close()
    },
  }
  return faulty
}

/**
 * The same server to credentials that may do everything but list, as S3 has it then: 403 for a listing, and for an object
 * that is not there. `mayRead`: whether they may read.
 */
export async function startUnlistable(server: S3Server, { mayRead = true } = {}): Promise<S3Server> {
  const target = new URL(server.config.endpoint!)
  const proxy = createServer((incoming, answer) => {
    const { method, url: path, headers } = incoming
    const bucketItself = /^\/[^/?]+\/?(\?|$)/.test(path!)
    const reading = method === 'GET' || method === 'HEAD'
    const refuse = () => {
      incoming.resume()
      answer.writeHead(403, { 'content-type': 'application/xml' })
      answer.end(
        method === 'HEAD' ? undefined : '<Error><Code>AccessDenied</Code><Message>no</Message></Error>',
      )
    }
    if (reading && (bucketItself || !mayRead)) return refuse()
    const outgoing = request({ host: target.hostname, port: target.port, method, path, headers }, reply => {
      if (reading && reply.statusCode === 404) {
        reply.resume()
        return refuse()
      }
      answer.writeHead(reply.statusCode!, reply.headers)
      reply.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  return {
    config: { ...server.config, endpoint: `http://127.0.0.1:${port}` },
    async stop() {
      proxy.closeAllConnections()
      proxy.close()
    },
  }
}
