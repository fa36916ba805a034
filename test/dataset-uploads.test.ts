/** Uploaded datasets: what is taken, what is refused and how, that nothing is left of it, and whose they are. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { newId } from '../src/api/routes/experiments/id.ts'
import { selectExamples } from '../src/data/select.ts'
import { loadStored } from '../src/data/uploads/stored.ts'
import type { Log } from '../src/log.ts'
import { findUpload } from '../src/store/datasets.ts'
import { createKey } from '../src/store/keys.ts'
import { sweep } from '../src/store/sweep.ts'
import { fetchUpload, sweepFetched } from '../workers/fetched.ts'
import { minimalSpec, startApi, type TestApi } from './support/api.ts'
import { refused } from './support/refused-uploads.ts'
import { change, images, named, type Part, pair } from './support/upload-parts.ts'
import {
  cifar,
  idxImages,
  idxLabels,
  labelOf,
  labels,
  npy,
  npyLabels,
  pixel,
  pixels,
} from './support/uploads.ts'

describe('uploads', () => {
  let api: TestApi
  let base: string
  before(async () => {
    api = await startApi({ LEDGER_MAX_UPLOAD_BYTES: '100000' })
    base = `http://127.0.0.1:${(api.app.server.address() as { port: number }).port}`
  })
  after(() => api.close())
  beforeEach(async () => {
    await api.db.prisma.experiment.deleteMany()
    for (const { name } of await api.db.prisma.dataset.findMany())
      await api.http.delete(`/v1/datasets/${name}`).expect(204)
  })

  const send = (parts: Part[], to = api) => {
    let sending = to.http.post('/v1/datasets')
    for (const [field, value] of parts)
      sending =
        typeof value === 'string' ? sending.field(field, value) : sending.attach(field, value, `${field}.bin`)
    return sending
  }
  const incoming = async () => (await readdir(`${api.directory}/objects/.incoming`).catch(() => [])).length
  const nothingLeft = async () => {
    assert.deepEqual(await api.objects.names('datasets'), [])
    assert.equal(await incoming(), 0)
    assert.equal(await api.db.prisma.dataset.count(), 0)
  }
  const stored = async (name: string, file: string) => {
    const { id } = await api.db.prisma.dataset.findFirstOrThrow({ where: { name } })
    return api.objects.read(`datasets/${id}/${file}`)
  }

  test('the same examples as IDX, gzipped, and .npy of both versions are the same dataset', async () => {
    const images = npy('|u1', '(12, 4, 4)', pixels(12 * 16))
    const sent: Record<string, Part[]> = {
      idx: pair,
      'idx.gz': pair.map(([field, file]) => [field, gzipSync(file)]),
      Two_2: [...pair].reverse(),
      npy: [
        ['images', images],
        ['labels', npyLabels(12)],
      ],
      npy2: [
        ['images', gzipSync(npy('|u1', '(12, 4, 4, 1)', pixels(12 * 16), { version: 2 }))],
        [
          'labels',
          npy(
            '>i2',
            '(12,)',
            Buffer.from(labels(12)).reduce<Buffer>(
              (all, label) => Buffer.concat([all, Buffer.from([0, label])]),
              Buffer.alloc(0),
            ),
          ),
        ],
      ],
    }
    const digests = new Set<string>()
    for (const [name, files] of Object.entries(sent)) {
      const { body, headers } = await send(named(name, ...files)).expect(201)
      assert.equal(headers.location, `/v1/datasets/${name}`)
      const { upload, description: _, ...facts } = body
      assert.deepEqual(facts, {
        ...{ name, shape: [4, 4, 1], classes: 3, trainFile: 12, testFile: 0 },
        ...{ outputs: null, classNames: null, values: 'bytes', vocabulary: null, targets: null, options: [] },
        defaults: { trainExamples: 11, validationExamples: 1 },
      })
      assert.equal(upload.bytes, 12 * 16 + 12)
      digests.add(upload.sha256)
      assert.deepEqual((await api.http.get(`/v1/datasets/${name}`).expect(200)).body, body)
    }
    assert.equal(digests.size, 1)
    assert.deepEqual(await stored('idx', 'train-images'), pixels(12 * 16))
    assert.deepEqual(await stored('npy2', 'train-labels'), labels(12))
    const { body } = await api.http.get('/v1/datasets').expect(200)
    const names = body.items.map(({ name }: { name: string }) => name)
    assert.deepEqual(names, ['synthetic-digits', 'mnist', ...Object.keys(sent).sort()])
  })

  test('a test set is the validation split; classes may be more than there are labels of', async () => {
    const test: Part[] = [
      ['testLabels', idxLabels(5)],
      ['testImages', idxImages(5)],
    ]
    const { body } = await send(named('both', ...test, ...pair, ['classes', '7'])).expect(201)
    assert.deepEqual([body.classes, body.trainFile, body.testFile], [7, 12, 5])
    assert.deepEqual(body.defaults, { trainExamples: 12, validationExamples: 5 })
    const spec = { ...minimalSpec(), dataset: { name: 'both' } }
    const { body: preview } = await api.http.post('/v1/experiments/preview').send(spec).expect(200)
    assert.deepEqual(preview.spec.dataset, {
      ...{ name: 'both', sha256: body.upload.sha256, trainExamples: 12, validationExamples: 5, seed: 0 },
    })
    assert.deepEqual(preview.variables[0].shape, [16, 3])
  })

  test('CIFAR files follow each other, and are stored with their channels last', async () => {
    const files: Part[] = [
      ['train', cifar(4)],
      ['train', gzipSync(cifar(3, 4))],
      ['test', cifar(2)],
    ]
    const { body } = await send(named('tiny-cifar', ...files)).expect(201)
    assert.deepEqual([body.shape, body.classes, body.trainFile, body.testFile], [[32, 32, 3], 10, 7, 2])
    const images = await stored('tiny-cifar', 'train-images')
    assert.equal(images.length, 7 * 3072)
    // Example 5, row 1, column 2, green.
    assert.equal(images[5 * 3072 + (32 + 2) * 3 + 1], pixel(5 + 1024 + 34))
    assert.deepEqual(await stored('tiny-cifar', 'train-labels'), labels(7))
  })

  test('what is wrong is refused, with its place and what would be right, and leaves nothing', async () => {
    for (const [what, parts, status, path, message] of refused) {
      const { body, status: found } = await send(parts)
      const text =
        path === undefined
          ? body.detail
          : body.errors?.find((error: { path: string }) => error.path === path)?.message
      assert.equal(found, status, `${what}: ${JSON.stringify(body)}`)
      assert.match(text ?? '', message, `${what}: ${JSON.stringify(body)}`)
      await nothingLeft()
    }
  })

  test('what is no form is refused as that', async () => {
    await api.http.post('/v1/datasets').send({ name: 'x' }).expect(415)
    await api.http.post('/v1/datasets').expect(415)
    const type = 'multipart/form-data; boundary=b'
    await api.http.post('/v1/datasets').set('content-type', 'multipart/form-data').send('x').expect(400)
    const head = '--b\r\ncontent-disposition: form-data; name="images"; filename="i"\r\n\r\n'
    await api.http.post('/v1/datasets').set('content-type', type).send(`${head}\0\0`).expect(400)
    const proto = '--b\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\n1\r\n--b--\r\n'
    await api.http.post('/v1/datasets').set('content-type', type).send(proto).expect(400)
    await nothingLeft()
  })

  /** Begins to send an image file, and waits until the API has begun to store it. */
  const half = async () => {
    const head = `--b\r\ncontent-disposition: form-data; name="images"; filename="i"\r\n\r\n`
    const body = Buffer.concat([Buffer.from(head), images, Buffer.from('\r\n--b--\r\n')])
    const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': body.length }
    const connected = once(api.app.server, 'connection')
    const sending = httpRequest(`${base}/v1/datasets`, { method: 'POST', headers, agent: false })
    sending.on('error', () => {})
    sending.write(body.subarray(0, 150))
    const [socket] = await connected
    while ((await incoming()) === 0) await setTimeout(10)
    return { sending, socket, rest: body.subarray(150) }
  }

  test('a client that goes away half way leaves nothing, and the API as it was', async () => {
    const { sending } = await half()
    sending.destroy()
    while ((await incoming()) > 0) await setTimeout(10)
    await nothingLeft()
    await send(named('after', ...pair)).expect(201)
  })

  test('an upload may take longer than other requests', async () => {
    const { sending, socket, rest } = await half()
    // As Node does when a request has taken a minute.
    const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    api.app.server.emit('clientError', late, socket)
    sending.end(rest)
    const [response] = await once(sending, 'response')
    assert.equal(response.statusCode, 422)
    assert.match(await text(response), /\$\.labels/)
    await nothingLeft()
  })

  test('where the object store fails, nothing is left either', async () => {
    const { write } = api.objects
    const broken = async () => {
      throw new Error('no space left')
    }
    for (const failing of ['append', 'commit'] as const) {
      api.objects.write = async (key, type) => {
        const writer = await write(key, type)
        return key.endsWith('train-labels') ? { ...writer, [failing]: broken } : writer
      }
      await send(named('x', ...pair)).expect(500)
      await nothingLeft()
    }
    api.objects.write = write
    await send(named('x', ...pair)).expect(201)
  })

  test('a worker’s copies are whole and right, or are not there', async t => {
    const directory = await mkdtemp(join(tmpdir(), 'loss-ledger-copies-'))
    t.after(() => rm(directory, { recursive: true }))
    await send(named('mine', ...pair)).expect(201)
    const upload = (await findUpload(api.db, 'default', 'mine'))!
    const { signal } = new AbortController()
    const fetchIt = (objects = api.objects) => fetchUpload(objects, directory, upload, signal)
    const copies = () => readdir(join(directory, '.uploads')).then(names => names.sort())

    const key = `datasets/${upload.id}/train-images`
    const right = await api.objects.read(key)
    const put = async (bytes: Buffer) => {
      const writer = await api.objects.write(key, 'application/octet-stream')
      await writer.append(bytes)
      await writer.commit()
    }
    await put(change(right, 5, 0))
    await assert.rejects(fetchIt(), /is damaged: it has SHA-256 .*upload the same files again/)
    await api.objects.remove(key)
    await assert.rejects(fetchIt(), {
      name: 'DatasetError',
      message: /mine: train-images is not in the object/,
    })
    assert.deepEqual(await copies(), [])
    await put(right)
    const [paths] = await Promise.all([fetchIt(), fetchIt(), fetchIt()])
    assert.deepEqual(await copies(), upload.files.map(({ sha256 }) => sha256).sort())
    assert.deepEqual(await readFile(paths['train-images']), right)
    // Once here, nothing is asked of the store.
    await api.objects.remove(`datasets/${upload.id}`)
    const counts = { name: 'mine', trainExamples: 5, validationExamples: 3, seed: 1 }
    const { train, validation } = await loadStored(upload, await fetchIt(), counts)
    assert.deepEqual([train.count, validation.count, train.shape, train.classes], [5, 3, [4, 4, 1], 3])
    const indices = selectExamples({ train: 5, validation: 3 }, { trainFile: 12, testFile: 0 }, 1)
    assert.deepEqual([...validation.labels], [...indices.validation.indices].map(labelOf))
    assert.deepEqual(
      [...train.images.subarray(16, 32)],
      [...right.subarray(16 * indices.train.indices[1])].slice(0, 16),
    )

    await sweepFetched(directory, () => false)
    assert.equal((await copies()).length, 2, 'what is young is left')
    for (const name of await copies()) await utimes(join(directory, '.uploads', name), 1, 1)
    await sweepFetched(directory, sha256 => sha256 === upload.files[0].sha256)
    assert.deepEqual(await copies(), [upload.files[0].sha256])
  })

  test('objects of an upload that died are swept after a day, those of a dataset never', async () => {
    await send(named('mine', ...pair)).expect(201)
    const { id } = (await findUpload(api.db, 'default', 'mine'))!
    const old = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'
    const young = newId()
    for (const orphan of [old, young]) {
      const writer = await api.objects.write(`datasets/${orphan}/train-labels`, 'application/octet-stream')
      await writer.commit()
    }
    await sweep(api.db, api.queue, api.objects, undefined, api.app.log as Log)
    assert.deepEqual((await api.objects.names('datasets')).sort(), [id, young].sort())
    await api.objects.remove(`datasets/${young}`)
  })

  test('of two that send a name at once, one gets it; the other leaves nothing', async () => {
    const late = [...pair, ['name', 'race'] as Part]
    const answers = await Promise.all([send(late), send(late), send(late)])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409])
    assert.equal((await api.objects.names('datasets')).length, 1)
    await send(named('race', ...pair)).expect(409)
  })

  test('of a deletion and a post at once, one finds the other', async () => {
    for (let i = 0; i < 5; i++) {
      await send(named('race', ...pair)).expect(201)
      const [deleted, posted, swept] = await Promise.all([
        api.http.delete('/v1/datasets/race'),
        api.http.post('/v1/experiments').send({ ...minimalSpec(), dataset: { name: 'race' } }),
        api.http.post('/v1/sweeps').send({ base: { ...minimalSpec(), dataset: { name: 'race' } } }),
      ])
      const statuses = [posted.status, swept.status]
      if (deleted.status === 204) assert.deepEqual(statuses, [422, 422])
      else
        assert.ok(
          deleted.status === 409 && statuses.includes(202),
          JSON.stringify([deleted.status, statuses]),
        )
      await api.db.prisma.experiment.deleteMany()
      await api.http.delete('/v1/datasets/race')
    }
  })

  test('a dataset is not deleted while experiments are on it, and a spec may insist on its digest', async () => {
    const { body } = await send(named('mine', ...pair)).expect(201)
    const spec = { ...minimalSpec(), dataset: { name: 'mine' } }
    const { body: experiment } = await api.http.post('/v1/experiments').send(spec).expect(202)
    assert.equal(experiment.spec.dataset.sha256, body.upload.sha256)
    await api.http.post('/v1/experiments').send(experiment.spec).expect(202)
    await api.http.delete('/v1/datasets/mine').expect(409)
    const wrong = { ...spec, dataset: { name: 'mine', sha256: '0'.repeat(64) } }
    const { body: problem } = await api.http.post('/v1/experiments').send(wrong).expect(422)
    assert.equal(problem.errors[0].path, '$.dataset.sha256')
    assert.match(problem.errors[0].message, new RegExp(`must be ${body.upload.sha256}`))
    const builtIn = { ...spec, dataset: { name: 'mnist', sha256: '0'.repeat(64) } }
    await api.http.post('/v1/experiments').send(builtIn).expect(422)

    await api.db.prisma.experiment.updateMany({ data: { status: 'failed' } })
    await api.http.delete('/v1/datasets/mine').expect(204)
    await nothingLeft()
    await api.http.delete('/v1/datasets/mine').expect(404)
    await api.http.delete('/v1/datasets/mnist').expect(409)
    await api.http.get('/v1/datasets/mine').expect(404)
    await api.http.get('/v1/datasets/..%2fmine').expect(404)
    await api.http.post('/v1/experiments').send(spec).expect(422)
  })
})

test('a dataset is its tenant’s alone', async t => {
  const api = await startApi({ HOST: '0.0.0.0', LEDGER_RATE_LIMIT: '0' })
  t.after(api.close)
  const keyOf = async (tenant: string, scope: 'read' | 'submit' | 'admin' = 'submit') => {
    const { key } = await createKey(api.db, { name: tenant, tenant, scopes: [scope] })
    return { authorization: `Bearer ${key}` }
  }
  const [a, b, reader, root] = [
    await keyOf('a'),
    await keyOf('b'),
    await keyOf('a', 'read'),
    await keyOf('ops', 'admin'),
  ]
  const upload = (key: Record<string, string>, count: number) =>
    api.http
      .post('/v1/datasets')
      .set(key)
      .field('name', 'ours')
      .attach('images', idxImages(count), 'i')
      .attach('labels', idxLabels(count), 'l')
  await upload(reader, 12).expect(403)
  await upload({}, 12).expect(401)
  await upload(a, 12).expect(201)
  const spec = { ...minimalSpec(), dataset: { name: 'ours' } }
  const listed = async (key: Record<string, string>) => {
    const { body } = await api.http.get('/v1/datasets').set(key).expect(200)
    return body.items.some(({ name }: { name: string }) => name === 'ours')
  }
  assert.deepEqual(
    [await listed(a), await listed(reader), await listed(b), await listed(root)],
    [true, true, false, false],
  )
  for (const other of [b, root]) {
    await api.http.get('/v1/datasets/ours').set(other).expect(404)
    await api.http.get('/v1/datasets/ours/samples').set(other).expect(404)
    await api.http.delete('/v1/datasets/ours').set(other).expect(404)
    for (const path of ['experiments', 'experiments/preview', 'sweeps']) {
      const body = path === 'sweeps' ? { base: spec } : spec
      const { body: problem } = await api.http.post(`/v1/${path}`).set(other).send(body).expect(422)
      assert.match(problem.errors[0].message, /is not a dataset here.*datasets: synthetic-digits, mnist$/)
    }
  }
  const { body: seen } = await api.http.get('/v1/datasets/ours/samples?n=3').set(reader).expect(200)
  assert.deepEqual([seen.counts, seen.counted, seen.of], [[4, 4, 4], 12, 12])
  assert.deepEqual(
    seen.samples.map(({ index, labels }: { index: number; labels: number[] }) => [index, labels]),
    [
      [0, [0]],
      [1, [1]],
      [2, [2]],
    ],
  )
  assert.deepEqual([...Buffer.from(seen.samples[1].pixels, 'base64')], [...pixels(32).subarray(16)])
  // Drawn ones, and one whose files are not here, which are not fetched for this.
  const { body: digits } = await api.http.get('/v1/datasets/synthetic-digits/samples?n=10').set(a).expect(200)
  assert.deepEqual(
    digits.samples.map(({ labels }: { labels: number[] }) => labels[0]).toSorted(),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  assert.deepEqual([digits.counted, digits.of], [1000, null])
  await api.http.get('/v1/datasets/mnist/samples').set(a).expect(409)
  await api.http.delete('/v1/datasets/ours').set(reader).expect(403)
  // The same name is free for others.
  await upload(b, 9).expect(201)
  const sweep = { base: spec, vary: { '$.dataset.name': ['ours', 'mnist'] } }
  await api.http.post('/v1/sweeps').set(b).send(sweep).expect(202)
  await api.http.delete('/v1/datasets/ours').set(b).expect(409)
  await api.http.post('/v1/experiments').set(reader).send(spec).expect(403)
  await api.http.post('/v1/experiments/preview').set(reader).send(spec).expect(200)
  await api.http.delete('/v1/datasets/ours').set(a).expect(204)
  const { body } = await api.http.get('/v1/datasets/ours').set(b).expect(200)
  assert.equal(body.trainFile, 9)
})
