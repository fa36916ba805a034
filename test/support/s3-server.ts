/** A real S3 server for tests. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { S3Config } from '../../src/config.ts'
import { end } from './child-processes.ts'

export type S3Server = { config: S3Config; stop(): Promise<void> }

const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
/** What a client is told of one at an endpoint. */
export const configOf = (endpoint: string): S3Config => ({
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
      await end(child, 'SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
