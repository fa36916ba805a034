/** Databases and queues as people have them, made of a socket: in front of a real Postgres, or in place of a Redis. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls'
import { certificate, privateKey } from './certificate.ts'

export type StandIn = { port: number; stop(): Promise<void> }

async function listen(server: Server, path?: string): Promise<StandIn> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function join(a: Socket, b: Socket): void {
  a.pipe(b).pipe(a)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ]) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}

/** The next whole message of a Postgres client before it is let in: its length is in the first four bytes. */
async function startupMessage(socket: Socket): Promise<Buffer> {
  let got = Buffer.alloc(0)
  while (got.length < 4 || got.length < got.readUInt32BE(0)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    got = Buffer.concat([got, chunk])
  }
  socket.pause()
  return got
}

/**
 * The server at a URL as it is elsewhere: `tls`: it takes TLS alone, with a self-signed certificate. `pooler`: as PgBouncer
 * has it with ignore_startup_parameters=options, no setting that comes with the connection gets through. `path`: on that
 * socket of the file system.
 */
export function postgresElsewhere(
  url: string,
  { tls = false, pooler = false, path }: { tls?: boolean; pooler?: boolean; path?: string },
): Promise<StandIn> {
  const target = new URL(url)
  const serve = async (client: Socket) => {
    let inner = client
    if (tls) {
      await startupMessage(client)
      client.write('S')
      const secureContext = createSecureContext({ cert: certificate, key: privateKey })
      inner = new TLSSocket(client, { isServer: true, secureContext })
      inner.on('error', () => client.destroy())
    }
    const server = connect(Number(target.port), target.hostname)
    if (pooler) server.write(withoutOptions(await startupMessage(inner)))
    join(inner, server)
  }
  return listen(
    createServer(client => void serve(client).catch(() => client.destroy())),
    path,
  )
}

/** A StartupMessage (length, version, pairs of C strings, a zero) without what `options` says. */
function withoutOptions(message: Buffer): Buffer {
  const words = message.subarray(8, -1).toString().split('\0').slice(0, -1)
  const kept = words.filter((_, i) => words[i - (i % 2)] !== 'options')
  const body = Buffer.from(`${kept.map(word => `${word}\0`).join('')}\0`)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + body.length)
  message.copy(head, 4, 4, 8)
  return Buffer.concat([head, body])
}

/** What answers every command as a Redis of this INFO would; with `password`, to nobody who does not say it. */
export function fakeRedis(
  info: string,
  { tls = false, password }: { tls?: boolean; password?: string } = {},
): Promise<StandIn> {
  const serve = (client: Socket) => {
    let known = password === undefined
    client.on('error', () => {})
    client.on('data', (bytes: Buffer) => {
      // Each command is *n, then $length and the word for every part of it.
      for (const command of bytes
        .toString()
        .split(/^\*\d+\r\n/m)
        .slice(1)) {
        const [name, ...words] = command.split('\r\n').filter((_, i) => i % 2 === 1)
        if (name.toLowerCase() === 'auth' || (name.toLowerCase() === 'hello' && words.includes('AUTH')))
          known = words.includes(password!)
        if (!known) client.write('-NOAUTH Authentication required.\r\n')
        else if (name.toLowerCase() === 'info') client.write(`$${info.length}\r\n${info}\r\n`)
        else client.write('+OK\r\n')
      }
    })
  }
  return listen(
    tls
      ? createTlsServer({ cert: certificate, key: privateKey }, serve).on('tlsClientError', () => {})
      : createServer(serve),
  )
}
