/** A download may lead to a bucket: the key is for the API alone, and a bucket refuses a request that has two. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { connect, type LedgerClient } from '../clients/typescript/src/index.ts'
import { npyHeader } from '../src/objects/npy.ts'
import { createKey } from '../src/store/keys.ts'
import { minimalSpec, startApi, storeArtifact, type TestApi } from './support/api.ts'
import { findPython, pythonSources } from './support/python.ts'
import { type FaultyProxy, startFaultyProxy } from './support/s3-proxies.ts'
import { type S3Server, startS3 } from './support/s3-server.ts'

const noPython = spawnSync('python3', ['--version']).status !== 0 && 'there is no python3 here'
const name = 'weights/0-1.npy'
const content = Buffer.concat([npyHeader('float32', [1, 2]), Buffer.from(Float32Array.from([1, 2]).buffer)])

describe('downloads from a bucket', () => {
  let bucket: S3Server
  let proxy: FaultyProxy
  let api: TestApi
  let url: string
  let id: string
  let apiKey: string
  let ledger: LedgerClient
  /** Of what the bucket was asked by others than the API. */
  let asked: IncomingHttpHeaders[]
  before(async () => {
    bucket = await startS3()
    proxy = await startFaultyProxy(bucket)
    const { endpoint, bucket: S3_BUCKET, credentials } = bucket.config
    api = await startApi({
      ...{
        S3_BUCKET,
        S3_ENDPOINT: endpoint!,
        S3_PUBLIC_ENDPOINT: proxy.config.endpoint!,
        LEDGER_AUTH: 'keys',
      },
      ...{ S3_ACCESS_KEY_ID: credentials!.accessKeyId, S3_SECRET_ACCESS_KEY: credentials!.secretAccessKey },
    })
    url = `http://127.0.0.1:${(api.app.server.address() as { port: number }).port}`
    apiKey = (await createKey(api.db, { name: 'k', tenant: 't', scopes: ['submit'] })).key
    ledger = connect({ url, apiKey })
    id = (await ledger.submit(minimalSpec() as Parameters<LedgerClient['submit']>[0])).id
    await storeArtifact(api, id, name, content)
    // Presigned for the proxy's name, and checked by the server behind it under that name.
    proxy.breaks = ({ headers }) => {
      asked.push(headers)
      return headers.authorization !== undefined
    }
  })
  after(async () => {
    await api.close()
    await proxy.stop()
    await bucket.stop()
  })
  /** Runs it, and says what it returned; the bucket must have been asked, without the key. */
  const without = async <T>(run: () => Promise<T>): Promise<T> => {
    asked = []
    const found = await run()
    assert.deepEqual(
      asked.map(({ authorization }) => authorization),
      [undefined],
    )
    return found
  }

  test('the client leaves the key behind, also with a fetch that would take it along', async () => {
    const { data } = await without(() => ledger.tensor(id, name))
    assert.deepEqual([...data], [1, 2])
    // Follows as clients do that know nothing of origins.
    const naive: typeof fetch = async (target, init) => {
      const answer = await fetch(target, { ...init, redirect: 'manual' })
      const location = answer.headers.get('location')
      return location && init?.redirect !== 'manual' ? naive(location, init) : answer
    }
    const tensor = await without(() => connect({ url, apiKey, fetch: naive }).tensor(id, name))
    assert.deepEqual([...tensor.data], [1, 2])
  })

  test('a link needs no header', async () => {
    const link = await ledger.link(id, name)
    assert.deepEqual([link.needsKey, link.url.startsWith(`${proxy.config.endpoint}/`)], [false, true])
    assert.ok(Date.parse(link.expiresAt!) > Date.now())
    const bytes = await without(async () => Buffer.from(await (await fetch(link.url)).arrayBuffer()))
    assert.deepEqual(bytes, content)
    const own = await ledger.link(id, 'weights/0-1.npy')
    assert.equal(own.sha256, link.sha256)
  })

  test('the bucket refuses a request with two keys, and the test would notice', async () => {
    const { url } = await ledger.link(id, name)
    proxy.breaks = () => false
    const refused = await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } })
    assert.equal(refused.status, 400)
    proxy.breaks = ({ headers }) => {
      asked.push(headers)
      return headers.authorization !== undefined
    }
  })

  const python = async (script: string, command = 'python3') => {
    const child = spawn(command, ['-c', script], {
      env: { ...process.env, LEDGER_URL: url, LEDGER_API_KEY: apiKey, PYTHONPATH: pythonSources },
    })
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    assert.equal(err, '')
    return out
  }

  test('the example in Python leaves it behind', { skip: noPython }, async () => {
    // What it defines, without what it does.
    const [definitions] = readFileSync('examples/lca.py', 'utf8').split('\nexperiment = ')
    const where = `/experiments/${id}/artifacts/${name}`
    const out = await without(() => python(`${definitions}\nprint(len(get(${JSON.stringify(where)})))`))
    assert.equal(Number(out), content.length)
  })

  const packages = findPython(['httpx', 'numpy'])
  const skip = 'missing' in packages && packages.missing
  test('the Python package leaves it behind, and finds what it fetched whole', { skip }, async t => {
    const cache = await mkdtemp(path.join(tmpdir(), 'ledger-cache-'))
    t.after(() => rm(cache, { recursive: true, force: true }))
    const script = `
import os; os.environ["LOSS_LEDGER_CACHE"] = ${JSON.stringify(cache)}
from loss_ledger import Ledger
print(Ledger().experiment(${JSON.stringify(id)}).tensor("weights/0-1")[0].tolist())`
    assert.equal(
      await without(() => python(script, (packages as { command: string }).command)),
      '[1.0, 2.0]\n',
    )
  })
})

test('where downloads go through the API, ranges do too', async () => {
  const bucket = await startS3()
  const { endpoint, bucket: S3_BUCKET, credentials } = bucket.config
  const api = await startApi({
    ...{ S3_BUCKET, S3_ENDPOINT: endpoint!, S3_DOWNLOADS: 'proxy' },
    ...{ S3_ACCESS_KEY_ID: credentials!.accessKeyId, S3_SECRET_ACCESS_KEY: credentials!.secretAccessKey },
  })
  const { body } = await api.http.post('/v1/experiments').send(minimalSpec()).expect(202)
  await storeArtifact(api, body.id, name, content)
  const at = `/v1/experiments/${body.id}/artifacts/${name}`
  const get = (range: string) => api.http.get(at).set('range', range).buffer(true).responseType('blob')
  assert.deepEqual((await get('bytes=128-131').expect(206)).body, content.subarray(128, 132))
  assert.deepEqual((await get('bytes=-4').expect(206)).body, content.subarray(-4))
  const link = await api.http.get(`${at}?link=true`).expect(200)
  assert.deepEqual([link.body.url, link.body.needsKey, link.body.expiresAt], [at, false, null])
  await api.close()
  await bucket.stop()
})
