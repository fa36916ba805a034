/** An S3 server in a process of its own: s3rver from npm, on loopback, its objects in the directory it is told. */

import { createRequire } from 'node:module'
import { onParentGone } from '../../src/children.ts'

type S3rver = new (options: Record<string, unknown>) => { run(): Promise<{ port: number }> }

const S3rver = createRequire(import.meta.url)('@20minutes/s3rver') as S3rver
const server = new S3rver({
  ...{ address: '127.0.0.1', port: 0, directory: process.argv[2], silent: true },
  configureBuckets: [{ name: 'ledger' }],
  // It canonicalises queries in another way than the SDK signs them; signatures are tested where moto_server is there.
  allowMismatchedSignatures: true,
})
const { port } = await server.run()
onParentGone(() => process.exit(0))
process.send!(port)
