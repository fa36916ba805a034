/** A Redis server for tests, on loopback, where redis-server is installed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { end } from './child-processes.ts'
import { freePort } from './free-port.ts'

/** Why there is no Redis here; false where there is. */
export const noRedis: string | false = (() => {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'redis-server is not installed (Debian: apt-get install redis-server)'
  }
})()

export type RedisServer = {
  url: string
  pid(): number
  /** kill, and start. */
  restart(): Promise<void>
  kill(): Promise<void>
  /** Starts it after a kill, on the same port, with what its append-only file holds. */
  start(): Promise<void>
  flush(): Promise<void>
  stop(): Promise<void>
}

export async function startRedis(): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess
  const start = async () => {
    const options = {
      port,
      bind: '127.0.0.1',
      dir: directory,
      appendonly: 'yes',
      save: '',
      loglevel: 'warning',
    }
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    child = spawn('redis-server', args, { stdio: 'ignore' })
    await ask(client => client.ping())
  }
  const ask = async (question: (client: Redis) => Promise<unknown>) => {
    const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
    client.on('error', () => {})
    await question(client)
    client.disconnect()
  }
  const kill = () => end(child, 'SIGKILL')
  await start()
  return {
    url,
    pid: () => child.pid!,
    kill,
    start,
    restart: async () => {
      await kill()
      await start()
    },
    flush: () => ask(client => client.flushall()),
    async stop() {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
