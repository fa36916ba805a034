/** Real S3 servers for tests, and a proxy before them that breaks connections when it is told to. */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { S3Config } from '../../src/config.ts'
import { makeBucket } from '../../src/objects/s3.ts'

export type S3Server = { config: S3Config; stop(): Promise<void> }

const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
const configOf = (endpoint: string): S3Config => ({
  ...{ endpoint, publicEndpoint: undefined, bucket: 'ledger', region: 'us-east-1', credentials },
  downloads: 'redirect',
})

/** s3rver, a development dependency: wherever the tests run. */
export async function startS3(): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-s3-'))
  const entry = fileURLToPath(new URL('./s3-process.js', import.meta.url))
  const child = fork(entry, [directory], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [port] = (await once(child, 'message')) as [number]
  return {
    config: configOf(`http://127.0.0.1:${port}`),
    async stop() {
      await end(child)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Why moto's S3 server cannot be had here; false where it can. */
export const noMoto: string | false = (() => {
  try {
    execFileSync('moto_server', ['--help'], { stdio: 'ignore' })
    return false
  } catch {
    return 'moto_server is not installed (pip install "moto[server]")'
  }
})()

/** moto, where Python has it: its own implementation, with the listing of unfinished uploads. */
export async function startMoto(): Promise<S3Server> {
  const port = await freePort()
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const config = configOf(`http://127.0.0.1:${port}`)
  for (const deadline = Date.now() + 20_000; ; await sleep(200)) {
    const made = await makeBucket(config).catch(error => error as Error)
    if (made === true) break
    if (made === false || Date.now() > deadline) throw made || new Error('the bucket was there before')
  }
  return { config, stop: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

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
