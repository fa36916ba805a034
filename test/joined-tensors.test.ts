/** Tensors of all segments in one: what each row is, once, by ranges, and on S3 as in a folder. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect } from '../clients/typescript/src/index.ts'
import { npyHeader } from '../src/objects/npy.ts'
import { objectKey } from '../src/objects/objects.ts'
import { minimalSpec, post, startApi, storeArtifact, type TestApi } from './support/api.ts'
import { type S3Server, startS3 } from './support/s3-server.ts'

const columns = 3
/** Row t of a tensor is all numbers that say t, and of weights the negative. */
const rowsFrom = (first: number, last: number, sign: number) =>
  Float32Array.from(
    { length: (last - first + 1) * columns },
    (_, i) => sign * (first + Math.floor(i / columns)) + (i % columns) / 4,
  )
const npy = (data: Float32Array) =>
  Buffer.concat([npyHeader('float32', [data.length / columns, columns]), Buffer.from(data.buffer)])

/** 8 iterations in segments of 3: weights and the train split's allocations, and what succeeded experiments list. */
async function fill(
  api: TestApi,
  segments = [
    [0, 3],
    [3, 6],
    [6, 8],
  ],
): Promise<string> {
  const id = await post(api, {
    ...minimalSpec(8),
    allocation: { segmentIterations: 3, splits: ['train'] },
    keep: ['weights', 'allocations'],
  })
  for (const [from, to] of segments) {
    await storeArtifact(api, id, `weights/${from}-${to}.npy`, npy(rowsFrom(from, to, -1)))
    await storeArtifact(api, id, `allocations/train/${from}-${to}.npy`, npy(rowsFrom(from, to - 1, 1)))
  }
  return id
}

const stores: [string, () => Promise<{ env: Record<string, string>; stop(): Promise<void> }>][] = [
  ['a folder', async () => ({ env: {}, stop: async () => {} })],
  [
    'a bucket',
    async () => {
      const server: S3Server = await startS3()
      const { endpoint, bucket, credentials } = server.config
      const env = { S3_ENDPOINT: endpoint!, S3_BUCKET: bucket, S3_ACCESS_KEY_ID: credentials!.accessKeyId }
      return { env: { ...env, S3_SECRET_ACCESS_KEY: credentials!.secretAccessKey }, stop: server.stop }
    },
  ],
]

for (const [store, open] of stores) {
  describe(`joined tensors from ${store}`, () => {
    let api: TestApi
    let stop: () => Promise<void>
    let id: string
    before(async () => {
      const opened = await open()
      stop = opened.stop
      api = await startApi(opened.env)
      id = await fill(api)
    })
    after(async () => {
      await api.close()
      await stop()
    })
    const get = (name: string, query = '', headers: Record<string, string> = {}) =>
      api.http
        .get(`/v1/experiments/${id}/artifacts/${name}${query}`)
        .set(headers)
        .buffer(true)
        .responseType('blob')

    test('weights have the row that two segments share once, allocations a row an iteration', async () => {
      const weights = await get('weights.npy').expect(200)
      assert.deepEqual(weights.body, npy(rowsFrom(0, 8, -1)))
      assert.equal(weights.headers['content-length'], String(128 + 9 * columns * 4))
      assert.equal(weights.headers['content-disposition'], 'attachment; filename="weights.npy"')
      const allocations = await get('allocations/train.npy').expect(200)
      assert.deepEqual(allocations.body, npy(rowsFrom(0, 7, 1)))
      assert.equal(allocations.headers['content-disposition'], 'attachment; filename="allocations-train.npy"')
    })

    test('from and to choose iterations: every span of every length', async () => {
      for (let from = 0; from <= 8; from++)
        for (let to = from; to <= 8; to++) {
          // A bucket takes its time, and what differs there is how an object is read: ends on and beside seams say that.
          if (store === 'a bucket' && [from, to].some(end => [1, 4, 5].includes(end))) continue
          const query = `?from=${from}&to=${to}`
          assert.deepEqual((await get('weights.npy', query).expect(200)).body, npy(rowsFrom(from, to, -1)))
          if (to === from) continue
          const { body } = await get('allocations/train.npy', query).expect(200)
          assert.deepEqual(body, npy(rowsFrom(from, to - 1, 1)), query)
        }
      assert.equal(
        (await get('weights.npy', '?from=2').expect(200)).headers['content-disposition'],
        'attachment; filename="weights-2-8.npy"',
      )
    })

    test('any range of bytes, across the seams of segments', async () => {
      const { body: whole, headers } = await get('weights.npy').expect(200)
      for (let start = 100; start < whole.length; start += 13)
        for (const end of [start + 1, start + 40, whole.length]) {
          const part = await get('weights.npy', '', { range: `bytes=${start}-${end - 1}` }).expect(206)
          assert.deepEqual(part.body, whole.subarray(start, end), `${start}-${end}`)
          assert.equal(part.headers.etag, headers.etag)
        }
      const beyond = { range: `bytes=${whole.length}-` }
      await api.http.get(`/v1/experiments/${id}/artifacts/weights.npy`).set(beyond).expect(416)
    })

    test('the tag is that of what it is made of', async () => {
      const { etag } = (await get('weights.npy').expect(200)).headers
      assert.match(etag, /^"[0-9a-f]{64}"$/)
      await get('weights.npy', '', { 'if-none-match': etag }).expect(304)
      await get('weights.npy', '?from=1', { 'if-none-match': etag }).expect(200)
      const one = { experimentId: id, name: 'weights/3-6.npy' }
      const where = { experimentId_name: one }
      const { sha256 } = await api.db.prisma.artifact.findUniqueOrThrow({ where })
      await api.db.prisma.artifact.update({ where, data: { sha256: '0'.repeat(64) } })
      await get('weights.npy', '', { 'if-none-match': etag })
        .expect(200)
        .catch(() => {})
      assert.notEqual((await api.http.head(`/v1/experiments/${id}/artifacts/weights.npy`)).headers.etag, etag)
      await api.db.prisma.artifact.update({ where, data: { sha256 } })
    })

    test('wrong iterations are told, in words, by their names', async () => {
      const wrong: [name: string, query: string, path: string, message: RegExp][] = [
        ['weights.npy', '?to=9', 'query.to', /at most 8, the iterations of the training/],
        ['weights.npy', '?from=9', 'query.from', /at most 8/],
        ['allocations/train.npy', '?from=8', 'query.from', /at most 7/],
        ['weights.npy', '?from=4&to=3', 'query.to', /at least from \(4\)/],
        ['allocations/train.npy', '?from=4&to=4', 'query.to', /above from \(4\)/],
        ['weights/0-3.npy', '?from=1', 'query.from', /tensors of all segments only: .*weights\.npy/],
        ['weights.npy', '?from=x', 'query.from', /integer/],
      ]
      for (const [name, query, path, message] of wrong) {
        const { body } = await api.http.get(`/v1/experiments/${id}/artifacts/${name}${query}`).expect(400)
        assert.equal(body.errors[0].path, path)
        assert.match(body.errors[0].message, message)
      }
    })

    test('what is there so far can be had while the rest is made; what is not kept says so', async () => {
      const early = await fill(api, [
        [0, 3],
        [3, 6],
      ])
      const at = (name: string) => `/v1/experiments/${early}/artifacts/${name}`
      const { body } = await api.http.get(at('weights.npy')).expect(404)
      assert.match(body.detail, /weights\/6-8\.npy, which is part of it, is not there yet; `to=6`/)
      const some = await api.http.get(at('weights.npy?to=6')).buffer(true).responseType('blob').expect(200)
      assert.deepEqual(some.body, npy(rowsFrom(0, 6, -1)))
      const other = await api.http.get(at('allocations/validation.npy')).expect(404)
      assert.match(other.body.detail, /allocates train only/)
      const lean = await post(api, { ...minimalSpec(8), keep: [] })
      await api.db.prisma.experiment.update({ where: { id: lean }, data: { status: 'succeeded' } })
      const none = await api.http.get(`/v1/experiments/${lean}/artifacts/weights.npy`).expect(404)
      assert.match(none.body.detail, /does not keep weights/)
    })

    test('one that is lost is a 410 before a byte is sent', async () => {
      const lost = await fill(api)
      await api.objects.remove(objectKey(lost, 'weights/3-6.npy'))
      const url = `/v1/experiments/${lost}/artifacts/weights.npy`
      const { body } = await api.http.get(url).expect(410)
      assert.match(body.detail, /^weights\/3-6\.npy is lost/)
      await api.http.get(`${url}?to=3`).expect(200)
    })

    test('the list has them when all is there, as what they are; the client reads them', async () => {
      await api.db.prisma.experiment.update({
        where: { id },
        data: { status: 'succeeded', finishedAt: new Date() },
      })
      const { body } = await api.http.get(`/v1/experiments/${id}/artifacts`).expect(200)
      const listed = body.items.map(
        ({ name, derived, rows, iterations, sha256, bytes }: Record<string, unknown>) => [
          ...[name, derived, rows, iterations, sha256 !== null, bytes],
        ],
      )
      const row = columns * 4
      assert.deepEqual(listed, [
        ['allocations/train.npy', true, 8, { first: 0, last: 7 }, false, 128 + 8 * row],
        ['allocations/train/0-3.npy', false, 3, { first: 0, last: 2 }, true, 128 + 3 * row],
        ['allocations/train/3-6.npy', false, 3, { first: 3, last: 5 }, true, 128 + 3 * row],
        ['allocations/train/6-8.npy', false, 2, { first: 6, last: 7 }, true, 128 + 2 * row],
        ['weights.npy', true, 9, { first: 0, last: 8 }, false, 128 + 9 * row],
        ['weights/0-3.npy', false, 4, { first: 0, last: 3 }, true, 128 + 4 * row],
        ['weights/3-6.npy', false, 4, { first: 3, last: 6 }, true, 128 + 4 * row],
        ['weights/6-8.npy', false, 3, { first: 6, last: 8 }, true, 128 + 3 * row],
      ])
      const names: string[] = []
      for (let cursor = ''; ; ) {
        const page = await api.http.get(`/v1/experiments/${id}/artifacts?limit=3${cursor}`).expect(200)
        names.push(...page.body.items.map(({ name }: { name: string }) => name))
        if (page.body.nextCursor === null) break
        cursor = `&cursor=${page.body.nextCursor}`
      }
      assert.deepEqual(
        names,
        listed.map(([name]: unknown[]) => name),
      )

      const { port } = api.app.server.address() as { port: number }
      const ledger = connect({ url: `http://127.0.0.1:${port}` })
      const tensor = await ledger.tensor(id, 'weights.npy', { from: 2, to: 4 })
      assert.deepEqual(tensor, { shape: [3, columns], data: rowsFrom(2, 4, -1) })
      const { url } = await ledger.link(id, 'weights.npy', { from: 2 })
      assert.equal(url, `/v1/experiments/${id}/artifacts/weights.npy?from=2`)
    })
  })
}
