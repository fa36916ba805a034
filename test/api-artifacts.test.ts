/** Artifacts over HTTP: bytes, ranges and entity tags; and no way from a URL to a file. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { truncate, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { unzipSync } from 'fflate'
import { parseRange } from '../src/api/routes/artifacts/range.ts'
import { objectKey } from '../src/objects/objects.ts'
import { fillLedger, minimalSpec, post, startApi, storeArtifact, type TestApi } from './support/api.ts'

const content = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251))
const sha256 = createHash('sha256').update(content).digest('hex')
const name = 'weights/0-50.npy'

describe('artifacts', () => {
  let api: TestApi
  let id: string
  let url: string
  before(async () => {
    api = await startApi()
    id = await post(api)
    url = `/v1/experiments/${id}/artifacts/${name}`
    await storeArtifact(api, id, name, content)
    await storeArtifact(api, id, 'empty.npy', new Uint8Array(0))
    await writeFile(join(api.directory, 'secret'), 'secret')
  })
  after(() => api.close())

  const download = (headers: Record<string, string> = {}) =>
    api.http.get(url).set(headers).buffer(true).responseType('blob')

  /** Lets an object go as soon as it has been looked for, and `then` what else; until it is told to stop. */
  const removeOnceFound = (key: string, then = async () => {}) => {
    const { stat } = api.objects
    api.objects.stat = async one => {
      const found = await stat(one)
      if (one === key) {
        await api.objects.remove(key)
        await then()
      }
      return found
    }
    return () => {
      api.objects.stat = stat
    }
  }

  test('the list has every object, by name, in pages', async () => {
    const first = await api.http.get(`/v1/experiments/${id}/artifacts?limit=1`).expect(200)
    assert.equal(first.body.items[0].name, 'empty.npy')
    const next = await api.http
      .get(`/v1/experiments/${id}/artifacts?limit=1&cursor=${first.body.nextCursor}`)
      .expect(200)
    const [item] = next.body.items
    assert.equal(next.body.nextCursor, null)
    assert.deepEqual(
      { name: item.name, bytes: item.bytes, sha256: item.sha256, url: item.url },
      { name, bytes: 1000, sha256, url },
    )
  })

  test('an archive has all of it, each file with its SHA-256, and says what is missing; no name in it leads anywhere', async () => {
    const hostile = `../../x</title><svg onload="alert(1)">\u202e🎉`
    const spec = { ...minimalSpec(4), allocation: { segmentIterations: 1 } }
    const whole = await post(api, { ...spec, name: hostile, tags: { '../k': hostile } })
    const of = `/v1/experiments/${whole}`
    await api.http.patch(of).send({ notes: hostile }).expect(200)
    await fillLedger(api, whole, [0, 1, 2])
    await storeArtifact(api, whole, 'weights/0-2.npy', content)
    await storeArtifact(api, whole, 'weights/2-4.npy', content)
    await storeArtifact(api, whole, 'allocations/train/0-2.npy', content)
    await api.objects.remove(objectKey(whole, 'weights/2-4.npy'))
    const where = { experimentId_name: { experimentId: whole, name: 'allocations/train/0-2.npy' } }
    await api.db.prisma.artifact.update({ where, data: { sha256: '0'.repeat(64) } })
    const zipped = async (query: string) => {
      const { body, headers } = await api.http
        .get(`${of}/archive${query}`)
        .buffer(true)
        .responseType('blob')
        .expect(200)
      assert.equal(headers['content-disposition'], `attachment; filename="${whole}.zip"`)
      return unzipSync(body)
    }
    const files = await zipped('?tensors=true')
    const text = (name: string) => Buffer.from(files[name]).toString()
    const manifest = JSON.parse(text('manifest.json'))
    for (const name of Object.keys(files))
      assert.match(name, /^[a-z]+(\/[A-Za-z0-9-]+)*\.(json|csv|svg|npy|ndjson)$/)
    assert.deepEqual(
      manifest.files.map((file: { name: string }) => file.name).sort(),
      Object.keys(files)
        .filter(name => name !== 'manifest.json')
        .sort(),
    )
    for (const { name, bytes, sha256 } of manifest.files) {
      assert.equal(files[name].length, bytes, name)
      assert.equal(createHash('sha256').update(files[name]).digest('hex'), sha256, name)
    }
    assert.deepEqual([manifest.complete, manifest.status, manifest.name], [false, 'queued', hostile])
    assert.deepEqual(
      manifest.missing.map((one: { name: string }) => one.name),
      ['findings.json', 'tensors/weights/2-4.npy', 'tables'],
    )
    assert.deepEqual(
      manifest.damaged.map((one: { name: string }) => one.name),
      ['tensors/allocations/train/0-2.npy'],
    )
    for (const [name, query] of [
      ['allocations', 'by=variable'],
      ['iterations', ''],
    ]) {
      const { text: csv } = await api.http
        .get(`${of}/${name}?split=validation&format=csv&${query}`)
        .expect(200)
      assert.equal(text(`tables/validation/${name}.csv`), csv)
    }
    assert.ok('diagnostics/train/curvature.csv' in files)
    assert.equal(JSON.parse(text('experiment.json')).notes, hostile)
    for (const name of Object.keys(files).filter(name => name.endsWith('.svg')))
      assert.doesNotMatch(text(name), /<svg on|<\/title><svg/)
    // One that goes when it has been looked for is missing as well, and breaks nothing off.
    const restore = removeOnceFound(objectKey(whole, 'weights/0-2.npy'))
    const later = JSON.parse(Buffer.from((await zipped('?tensors=true'))['manifest.json']).toString())
    restore()
    assert.deepEqual(
      later.missing.find((one: { name: string }) => one.name === 'tensors/weights/0-2.npy'),
      { name: 'tensors/weights/0-2.npy', why: 'the object store has it no more' },
    )
    // Without the tensors none of them is in it, and what is lost of them is not missing.
    const small = await zipped('')
    assert.ok(!Object.keys(small).some(name => name.endsWith('.npy')))
    const { missing } = JSON.parse(Buffer.from(small['manifest.json']).toString())
    assert.equal(missing.length, 2)
    await api.http.delete(of).expect(204)
  })

  test('the list has a tag, which changes with what is in it', async () => {
    const list = `/v1/experiments/${id}/artifacts`
    const { etag } = (await api.http.get(list).expect(200)).headers
    await api.http.get(list).set('if-none-match', etag).expect(304).expect('etag', etag)
    await api.http.get(`${list}?limit=1`).set('if-none-match', etag).expect(200)
    await api.db.prisma.artifact.update({
      where: { experimentId_name: { experimentId: id, name } },
      data: { bytes: 999 },
    })
    await api.http.get(list).set('if-none-match', etag).expect(200)
    await api.db.prisma.artifact.update({
      where: { experimentId_name: { experimentId: id, name } },
      data: { bytes: 1000 },
    })
  })

  test('the whole object, with its tag', async () => {
    const { body, headers } = await download().expect(200)
    assert.deepEqual(body, content)
    assert.equal(headers.etag, `"${sha256}"`)
    assert.equal(headers['content-length'], '1000')
    assert.equal(headers['accept-ranges'], 'bytes')
    assert.equal(headers['content-type'], 'application/octet-stream')
    assert.equal(headers['content-disposition'], 'attachment; filename="0-50.npy"')
  })

  test('HEAD has the same headers and no body', async () => {
    const { headers, text } = await api.http.head(url).expect(200)
    assert.equal(headers['content-length'], '1000')
    assert.equal(headers.etag, `"${sha256}"`)
    assert.equal(text ?? '', '')
  })

  const ranges: [range: string, start: number, end: number][] = [
    ['bytes=0-127', 0, 128],
    ['bytes=0-0', 0, 1],
    ['bytes=900-', 900, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=-5000', 0, 1000],
    ['bytes=999-99999', 999, 1000],
  ]
  for (const [range, start, end] of ranges) {
    test(`${range} is bytes ${start} to ${end}`, async () => {
      const { body, headers } = await download({ range }).expect(206)
      assert.deepEqual(body, content.subarray(start, end))
      assert.equal(headers['content-range'], `bytes ${start}-${end - 1}/1000`)
      assert.equal(headers['content-length'], String(end - start))
    })
  }

  for (const range of ['bytes=1000-', 'bytes=5000-6000', 'bytes=-0']) {
    test(`${range} cannot be satisfied`, async () => {
      const { headers } = await api.http.get(url).set({ range }).expect(416)
      assert.equal(headers['content-range'], 'bytes */1000')
      assert.match(headers['content-type'], /^application\/problem\+json/)
    })
  }

  for (const range of [
    'bytes=0-1,5-6',
    'bytes=5-1',
    'lines=0-1',
    'bytes=-',
    'bytes=a-b',
    `bytes=0-${'9'.repeat(50)}`,
  ]) {
    test(`${range.slice(0, 20)} is ignored`, async () => {
      assert.deepEqual((await download({ range }).expect(200)).body, content)
    })
  }

  test('an empty object has no range', async () => {
    const empty = `/v1/experiments/${id}/artifacts/empty.npy`
    await api.http.get(empty).expect(200).expect('content-length', '0')
    await api.http.get(empty).set('range', 'bytes=0-').expect(416)
    assert.equal(parseRange('bytes=-1', 0), 'unsatisfiable')
  })

  test('If-None-Match and If-Range', async () => {
    for (const tag of [`"${sha256}"`, `W/"${sha256}"`, `"other", "${sha256}"`, '*'])
      await api.http.get(url).set('if-none-match', tag).expect(304).expect('etag', `"${sha256}"`)
    await api.http.get(url).set('if-none-match', '"other"').expect(200)
    await download({ range: 'bytes=0-1', 'if-range': `"${sha256}"` }).expect(206)
    await download({ range: 'bytes=0-1', 'if-range': '"other"' }).expect(200)
  })

  test('what is lost or cut short in storage is a 410 that says so, and nothing about where it was', async () => {
    await storeArtifact(api, id, 'lost.npy', content)
    await api.objects.remove(objectKey(id, 'lost.npy'))
    await storeArtifact(api, id, 'short.npy', content)
    await truncate(join(api.directory, 'objects', objectKey(id, 'short.npy')), 999)
    for (const name of ['lost.npy', 'short.npy']) {
      const { body, headers } = await api.http.get(`/v1/experiments/${id}/artifacts/${name}`).expect(410)
      assert.match(body.detail, new RegExp(`^${name} is lost: .*made again`))
      assert.equal(headers['cache-control'], 'no-store')
      assert.doesNotMatch(JSON.stringify(body), new RegExp(`${api.directory}|objects/|ENOENT`))
      await api.http.head(`/v1/experiments/${id}/artifacts/${name}`).expect(410)
    }
  })

  test('what goes when it has been looked for is a 410, or a 404 where the experiment went with it', async () => {
    const other = await post(api)
    for (const [name, range] of [
      ['whole.npy', 'bytes=0-'],
      ['part.npy', 'bytes=1-3'],
    ]) {
      await storeArtifact(api, other, name, content)
      const restore = removeOnceFound(objectKey(other, name))
      const at = `/v1/experiments/${other}/artifacts/${name}`
      const { body } = await api.http.get(at).set({ range }).expect(410)
      restore()
      assert.match(body.detail, new RegExp(`^${name} is lost: .*made again`))
    }
    await storeArtifact(api, other, name, content)
    const removeRow = async () => void (await api.db.prisma.experiment.delete({ where: { id: other } }))
    const restore = removeOnceFound(objectKey(other, name), removeRow)
    const { body } = await api.http.get(`/v1/experiments/${other}/artifacts/${name}`).expect(404)
    restore()
    assert.match(body.detail, /there is no experiment/)
  })

  test('a whole object that is damaged in storage is refused while it is small, and else breaks off before its end', async () => {
    const damage = async (name: string, bytes: number) => {
      const object = Buffer.alloc(bytes, 7)
      const digest = `sha-256=:${createHash('sha256').update(object).digest('base64')}:`
      await storeArtifact(api, id, name, object)
      const at = `/v1/experiments/${id}/artifacts/${name}`
      await api.http.get(at).expect(200).expect('repr-digest', digest)
      object[12_345] ^= 1
      await writeFile(join(api.directory, 'objects', objectKey(id, name)), object)
      return { at, digest }
    }
    const small = await damage('small.npy', 20_000)
    const large = await damage('large.npy', 5_000_000)
    for (const headers of [{}, { range: 'bytes=0-' }]) {
      const { body, headers: got } = await api.http.get(small.at).set(headers).expect(410)
      assert.match(body.detail, /^small\.npy is damaged: .* it is made again before the experiment ends$/)
      for (const name of ['etag', 'repr-digest', 'content-disposition']) assert.equal(got[name], undefined)
      const blob = api.http.get(large.at).set(headers).buffer(true).responseType('blob')
      await assert.rejects(blob, /aborted|hang up/)
    }
    for (const name of ['small', 'large'])
      assert.ok(
        api.lines.some(line =>
          new RegExp(`${name}\\.npy is damaged: it has SHA-256`).test(JSON.stringify(line)),
        ),
        'the log says which',
      )
    // Of a part nothing can be known without reading all: the digest of the whole is there to check with.
    await api.http.get(large.at).set('range', 'bytes=0-9').expect(206).expect('repr-digest', large.digest)
  })

  // Sent as they are: a client library would tidy them up first.
  const raw = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const { port } = api.app.server.address() as { port: number }
      request({ host: '127.0.0.1', port, path }, answer => {
        answer.resume()
        resolve(answer.statusCode!)
      })
        .on('error', reject)
        .end()
    })
  const attempts = [
    '../../../secret',
    '..%2f..%2f..%2fsecret',
    '%2e%2e/%2e%2e/%2e%2e/secret',
    '....//....//secret',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    'weights/../weights/0-50.npy',
    'weights%2f..%2fweights%2f0-50.npy',
    './weights/0-50.npy',
    'weights//0-50.npy',
    'weights\\0-50.npy',
    'weights/0-50.npy%00',
    '%00',
    `${'a/'.repeat(2000)}b`,
    '%c0%ae%c0%ae/secret',
    'weights',
    'WEIGHTS/0-50.npy',
    "' OR ''='",
  ]
  for (const attempt of attempts) {
    test(`…/artifacts/${attempt.slice(0, 40)} is nothing`, async () => {
      const status = await raw(`/v1/experiments/${id}/artifacts/${attempt.replaceAll(' ', '%20')}`)
      assert.ok(status === 404 || status === 400, String(status))
    })
  }
  test('an artifact of one experiment is not one of another', async () => {
    const other = await post(api)
    assert.equal(await raw(`/v1/experiments/${other}/artifacts/${name}`), 404)
    assert.equal(await raw(url), 200)
  })
})
