/** Buckets that refuse: what can work without a permission does, and what cannot is a sentence. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { MissingObjectError, type Objects, UnlistableError } from '../src/objects/objects.ts'
import { makeBucket, openS3 } from '../src/objects/s3.ts'
import { ServiceError } from '../src/service-error.ts'
import { claimStore } from '../src/store/claim.ts'
import { createExperiment, deleteExperiment } from '../src/store/experiments.ts'
import { sweep } from '../src/store/sweep.ts'
import { storeArtifact } from './support/api.ts'
import { certificate, privateKey } from './support/certificate.ts'
import { testDatabase } from './support/database.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'
import { startUnlistable } from './support/s3-proxies.ts'
import { type S3Server, startS3 } from './support/s3-server.ts'

let server: S3Server
before(async () => {
  // Of others, about other buckets: S3_* say all.
  Object.assign(process.env, {
    AWS_PROFILE: 'of-others',
    AWS_CONFIG_FILE: '/none',
    AWS_ACCESS_KEY_ID: 'of-others',
    AWS_SECRET_ACCESS_KEY: 'of-others',
    AWS_SESSION_TOKEN: 'of-others',
    AWS_ROLE_ARN: 'arn:aws:iam::1:role/of-others',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/none',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
    AWS_REGION: 'of-others',
    AWS_USE_FIPS_ENDPOINT: 'of-others',
    AWS_USE_DUALSTACK_ENDPOINT: 'of-others',
    AWS_S3_USE_ARN_REGION: 'of-others',
    AWS_RETRY_MODE: 'of-others',
    AWS_MAX_ATTEMPTS: 'of-others',
    AWS_DEFAULTS_MODE: 'of-others',
  })
  server = await startS3()
})
after(() => server?.stop())

async function put(objects: Objects, key: string, text = 'x'): Promise<void> {
  const writer = await objects.write(key, 'text/plain')
  await writer.append(Buffer.from(text))
  await writer.commit()
}

test('AWS_* of others change nothing where S3_* say all', async () => {
  const objects = openS3(server.config)
  await objects.ping()
  await put(objects, 'experiments/aws/one', 'ours')
  assert.equal((await objects.read('experiments/aws/one')).toString(), 'ours')
  // On Amazon's own there is no S3_ENDPOINT: the presigned URL shows where requests go, and signed by whom.
  const amazon = openS3({ ...server.config, endpoint: undefined, bucket: 'a-bucket', region: 'eu-west-1' })
  const signed = await amazon.downloadUrl('k', { contentType: 'a/b', filename: 'k' })
  const url = new URL(signed!.url)
  assert.equal(url.host, 'a-bucket.s3.eu-west-1.amazonaws.com')
  assert.match(url.searchParams.get('X-Amz-Credential')!, /^S3RVER\/\d+\/eu-west-1\/s3\//)
  assert.equal(url.searchParams.get('X-Amz-Security-Token'), null)
})

test('without the permission to list, an experiment is stored, read and deleted; what nobody knows of stays', async t => {
  const unlistable = await startUnlistable(server)
  t.after(unlistable.stop)
  const objects = openS3(unlistable.config)
  const database = await testDatabase()
  t.after(database.close)
  const { db } = database
  const warnings: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(line) })
  await objects.ping()
  await claimStore(db, objects, 'a bucket', log)
  await claimStore(db, objects, 'a bucket', log)
  assert.deepEqual(warnings, [])
  await assert.rejects(objects.read('experiments/none/x'), MissingObjectError)
  assert.equal(await objects.stat('experiments/none/x'), undefined)
  await assert.rejects(objects.names('experiments'), UnlistableError)
  await assert.rejects(objects.remove('experiments/none'), /may not list the bucket ledger \(s3:ListBucket\)/)

  const queue = { submit: async () => {}, remove: async () => {} }
  const id = randomUUID()
  await createExperiment(db, { id, spec: asStored(fakeSpec(2, 2, [])) })
  await storeArtifact({ db, objects }, id, 'weights/0-2.npy', Buffer.from('w'))
  assert.equal((await objects.stat(`experiments/${id}/weights/0-2.npy`))?.bytes, 1)
  await db.pool.query(`UPDATE experiments SET status = 'succeeded', finished_at = now() WHERE id = $1`, [id])
  assert.equal((await deleteExperiment(db, queue, objects, id)).outcome, 'deleted')
  assert.equal(await objects.stat(`experiments/${id}/weights/0-2.npy`), undefined)

  assert.deepEqual(await sweep(db, queue, objects, undefined, log), { expired: 0, orphans: 0, leftovers: 0 })
  assert.match(warnings[0], /s3:ListBucket.*what nobody needs any more stays in the object store/)
})

test('without the permission to read, nothing is taken for missing', async t => {
  const unreadable = await startUnlistable(server, { mayRead: false })
  t.after(unreadable.stop)
  const objects = openS3(unreadable.config)
  await assert.rejects(objects.read('experiments/none/x'), { name: 'AccessDenied' })
  await assert.rejects(objects.stat('experiments/none/x'))
  await assert.rejects(
    objects.ping(),
    /^ServiceError: the S3 credentials may not use the bucket ledger at .*: they need s3:GetObject/,
  )
})

test('what a bucket or its server answers is a sentence', async t => {
  let answer: readonly [number, string, Record<string, string>?] = [404, 'NoSuchBucket']
  const reply: Parameters<typeof createServer>[1] = (incoming, out) => {
    const [status, code, headers] = answer
    out.writeHead(status, headers)
    out.end(incoming.method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>m</Message></Error>`)
  }
  const start = async (made: ReturnType<typeof createServer>) => {
    made.listen(0, '127.0.0.1')
    await once(made, 'listening')
    t.after(() => made.close().closeAllConnections())
    return (made.address() as AddressInfo).port
  }
  const port = await start(createServer(reply))
  const tls = await start(createTlsServer({ cert: certificate, key: privateKey }, reply) as never)
  const said = async (endpoint: string) => {
    const error = await openS3({ ...server.config, endpoint })
      .ping()
      .then(
        () => undefined,
        (reason: unknown) => reason,
      )
    assert.ok(error instanceof ServiceError, String(error))
    assert.doesNotMatch(error.message, /\n/)
    return `${error.passing ? 'passing: ' : ''}${error.message}`
  }
  for (const [given, says] of [
    [[404, 'NoSuchBucket'], /^there is no bucket ledger at .*: make it, or set S3_BUCKET$/],
    [[403, 'InvalidAccessKeyId'], /does not know S3_ACCESS_KEY_ID$/],
    [[403, 'SignatureDoesNotMatch'], /does not accept S3_SECRET_ACCESS_KEY/],
    [[403, 'RequestTimeTooSkewed'], /clock differs .*NTP/],
    [[301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-1' }], /set S3_REGION=eu-west-1$/],
    [[400, 'Odd'], /^the object store at .* does not answer as S3 does/],
  ] as const) {
    answer = given
    assert.match(await said(`http://127.0.0.1:${port}`), says)
    // Which may be made, here: by nobody.
    if (given[0] === 403)
      await assert.rejects(makeBucket({ ...server.config, endpoint: `http://127.0.0.1:${port}` }), {
        message: says,
      })
  }
  assert.match(
    await said(`https://127.0.0.1:${tls}`),
    /^the object store at .* cannot be reached: its certificate is self-signed: NODE_EXTRA_CA_CERTS=/,
  )
  assert.match(await said(`https://127.0.0.1:${port}`), /it does not speak TLS: write http:\/\/$/)
  assert.match(await said('http://127.0.0.1:1'), /^passing: .* nothing listens there$/)
})
