/** What uploads may not do: arrive as slowly as they like, or fill the storage. Nothing is left of one that is ended. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { newId } from '../src/api/routes/experiments/id.ts'
import { addUpload } from '../src/store/datasets.ts'
import { createKey } from '../src/store/keys.ts'
import { startApi, type TestApi } from './support/api.ts'
import { cifar, idxImages, idxLabels } from './support/uploads.ts'

const incoming = async (api: TestApi) =>
  (await readdir(`${api.directory}/objects/.incoming`).catch(() => [])).length
const nothingLeft = async (api: TestApi) => {
  assert.deepEqual(await api.objects.names('datasets'), [])
  assert.equal(await incoming(api), 0)
  assert.equal(await api.db.prisma.dataset.count(), 0)
}

const fieldOf = (field: string) =>
  `--b\r\ncontent-disposition: form-data; name="${field}"; filename="f"\r\n\r\n`

/** Begins to send a form, which may go on and on. */
async function begin(api: TestApi, form: (string | Buffer)[], more: Record<string, string> = {}) {
  const { port } = api.app.server.address() as { port: number }
  const headers = { 'content-type': 'multipart/form-data; boundary=b', ...more }
  const connected = once(api.app.server, 'connection') as Promise<[Socket]>
  const sending = request({ port, path: '/v1/datasets', method: 'POST', headers, agent: false })
  sending.on('error', () => {})
  const answered = once(sending, 'response').then(async ([response]) => {
    const body = (await json(response)) as { type: string; detail: string }
    sending.destroy()
    return { status: response.statusCode as number, body }
  })
  for (const piece of form) sending.write(piece)
  const [socket] = await connected
  return { sending, socket, answered }
}

test('an upload takes a minute, and longer where bytes keep coming; then it is a 408', async t => {
  const api = await startApi({ LEDGER_MIN_UPLOAD_RATE: '1' })
  t.after(api.close)
  // The API's clock; whatever else repeats was set up before.
  t.mock.timers.enable({ apis: ['setInterval'] })
  const pass = (seconds: number) => t.mock.timers.tick(seconds * 1000)

  const { sending, socket, answered } = await begin(api, [fieldOf('images'), idxImages(100).subarray(0, 100)])
  while ((await incoming(api)) === 0) await setTimeout(10)
  const before = socket.bytesRead
  sending.write(Buffer.alloc(60))
  while (socket.bytesRead < before + 60) await setTimeout(10)
  let over = false
  answered.then(() => {
    over = true
  })
  pass(110)
  await setTimeout(50)
  assert.equal(over, false)
  pass(300)
  const { status, body } = await answered
  assert.equal(status, 408)
  assert.match(body.type, /too-slow$/)
  assert.match(body.detail, /an upload must have 1 bytes a second/)
  await nothingLeft(api)

  // Not only within a file: a form has room for bytes that are nobody's.
  for (const form of [
    ['before it begins'],
    ['--b\r\ncontent-disposition: form-data; name="name"\r\n\r\nx'],
  ]) {
    const { answered } = await begin(api, form)
    const passing = new AbortController()
    const done = answered.finally(() => passing.abort())
    while (!passing.signal.aborted) {
      pass(60)
      await setTimeout(10)
    }
    assert.equal((await done).status, 408)
  }
})

test('however fast, an upload does not outlive what is swept after a day', async t => {
  const api = await startApi({ LEDGER_MIN_UPLOAD_RATE: '0' })
  t.after(api.close)
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { answered } = await begin(api, [fieldOf('images'), idxImages(100).subarray(0, 100)])
  while ((await incoming(api)) === 0) await setTimeout(10)
  t.mock.timers.tick(19 * 3600_000)
  await setTimeout(50)
  assert.equal(await incoming(api), 1)
  t.mock.timers.tick(2 * 3600_000)
  assert.match((await answered).body.detail, /may take 20 hours/)
  await nothingLeft(api)
})

test('a tenant’s datasets have no more bytes together than they may, also at once, and are refused early', async t => {
  // Two of 204 bytes.
  const api = await startApi({ HOST: '0.0.0.0', LEDGER_RATE_LIMIT: '0', LEDGER_MAX_DATASETS_BYTES: '500' })
  t.after(api.close)
  const keyOf = async (tenant: string) => {
    const { key } = await createKey(api.db, { name: tenant, tenant, scopes: ['submit'] })
    return { authorization: `Bearer ${key}` }
  }
  const [a, b] = [await keyOf('a'), await keyOf('b')]
  const upload = (key: Record<string, string>, name: string) =>
    api.http
      .post('/v1/datasets')
      .set(key)
      .field('name', name)
      .attach('images', idxImages(12), 'i')
      .attach('labels', idxLabels(12), 'l')

  const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => upload(a, `mine-${i}`)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 413, 413, 413, 413])
  const refused = answers.find(({ status }) => status === 413)!
  assert.match(refused.body.type, /storage-quota-exceeded$/)
  assert.match(refused.body.detail, /more than 500 bytes/)
  assert.equal((await api.objects.names('datasets')).length, 2)
  assert.equal(await incoming(api), 0)
  await upload(b, 'theirs').expect(201)

  // The header of a file says how much it is going to be; CIFAR files have none, and are counted as they come.
  for (const form of [
    [fieldOf('images'), idxImages(1000).subarray(0, 100)],
    [fieldOf('train'), cifar(300)],
  ]) {
    const { answered } = await begin(api, form, a)
    assert.equal((await answered).status, 413)
    assert.equal(await incoming(api), 0)
  }

  const [one] = answers.filter(({ status }) => status === 201)
  await api.http.delete(`/v1/datasets/${one.body.name}`).set(a).expect(204)
  await upload(a, 'again').expect(201)
})

test('nor do those that come through several APIs', async t => {
  const api = await startApi()
  t.after(api.close)
  const add = (i: number) => {
    const files = [{ name: 'train-images', bytes: 200, sha256: String(i) }]
    const facts = {
      format: 'idx',
      shape: [1, 1, 1],
      classes: 2,
      trainExamples: 200,
      testExamples: 0,
      about: null,
    }
    return addUpload(api.db, 'a', { id: newId(), name: `${i}`, sha256: `${i}`, files, ...facts }, 500)
  }
  const added = await Promise.all(Array.from({ length: 6 }, (_, i) => add(i)))
  assert.equal(added.filter(one => one === 'full').length, 4)
  assert.equal(await api.db.prisma.dataset.count(), 2)
})
