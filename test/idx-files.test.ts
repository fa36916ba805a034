import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { ensureFiles } from '../src/data/download.ts'
import { DatasetError } from '../src/data/errors.ts'
import { idxHeader, readIdx } from '../src/data/idx.ts'
import { selectExamples } from '../src/data/select.ts'
import type { Engine } from '../src/engine/engine.ts'
import type { Objects } from '../src/objects/objects.ts'
import { facts } from '../src/plan.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import { makeContext } from '../workers/context.ts'

const folder = await mkdtemp(join(tmpdir(), 'idx-files-'))
after(() => rm(folder, { recursive: true, force: true }))

const shape = [5, 4, 3]
const values = Uint8Array.from({ length: 60 }, (_, i) => 250 - i)
const bytes = Buffer.concat([idxHeader(shape), values])
const put = async (name: string, content: Uint8Array) => {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}
const refuses = (path: string, says: RegExp) =>
  assert.rejects(readIdx(path, shape), (error: Error) => {
    assert.ok(error instanceof DatasetError, String(error))
    assert.ok(error.message.includes(path), 'the message names the file')
    assert.match(error.message, says)
    return true
  })

test('an IDX file is read as it was written, gzipped or not', async () => {
  assert.deepEqual([...bytes.subarray(0, 8)], [0, 0, 8, 3, 0, 0, 0, 5])
  assert.deepEqual(new Uint8Array(await readIdx(await put('plain', bytes), shape)), values)
  assert.deepEqual(new Uint8Array(await readIdx(await put('zipped.gz', gzipSync(bytes)), shape)), values)
})

test('a file that is something else is refused, saying what was expected and what was found', async () => {
  const changed = (at: number, value: number) => Buffer.from(bytes).fill(value, at, at + 1)
  await refuses(
    await put('short', bytes.subarray(0, 70)),
    /5 × 4 × 3 unsigned bytes, found 54 values instead of 60/,
  )
  await refuses(await put('long', Buffer.concat([bytes, bytes])), /expected 76 bytes .* found 152 bytes/)
  await refuses(await put('stub', bytes.subarray(0, 9)), /a header that ends after 9 bytes/)
  await refuses(await put('empty', new Uint8Array()), /no IDX header \(0 bytes\)/)
  await refuses(await put('magic', changed(0, 1)), /no IDX header/)
  await refuses(await put('floats', changed(2, 0x0d)), /values of type 0x0d/)
  await refuses(await put('flat', changed(3, 1)), /found 1 dimensions/)
  await refuses(await put('other', changed(7, 6)), /found 6 × 4 × 3 unsigned bytes/)
  await refuses(await put('cut.gz', gzipSync(bytes).subarray(0, 40)), /no complete gzip file/)
  await refuses(await put('not.gz', bytes), /no complete gzip file/)
  // A bomb: 10 MB of zeros where 76 bytes are due.
  await refuses(await put('bomb.gz', gzipSync(Buffer.alloc(1e7))), /more than the 76 bytes expected/)
})

const zipped = gzipSync(bytes)
const sha256 = createHash('sha256').update(zipped).digest('hex')
const source = (homes: string[], file: object = {}) => ({
  dataset: 'tiny',
  homes,
  files: [{ name: 'tiny-idx3-ubyte', bytes: zipped.length, sha256, ...file }],
})
const unreachable = 'http://127.0.0.1:9'

test('offline, one error says which files to put where', async () => {
  const into = join(folder, 'offline')
  await assert.rejects(ensureFiles(into, source([unreachable])), (error: Error) => {
    assert.ok(error instanceof DatasetError)
    for (const part of ['tiny', into, 'tiny-idx3-ubyte.gz', unreachable])
      assert.ok(error.message.includes(part), part)
    return true
  })
})

test('files that are there are used as they are, and nothing is downloaded', async () => {
  const path = await put('tiny-idx3-ubyte', bytes)
  assert.deepEqual(await ensureFiles(folder, source([unreachable])), { 'tiny-idx3-ubyte': path })
})

test('a missing file comes from the first home that has it, whole or not at all', async () => {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/gone')) response.writeHead(404).end()
    else if (request.url?.startsWith('/endless')) response.end(Buffer.alloc(100_000))
    else response.end(request.url?.startsWith('/cut') ? zipped.subarray(0, 20) : zipped)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  const home = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const into = join(folder, 'fetched')

  const bad = source([`${home}/gone`, `${home}/cut`, `${home}/endless`])
  await assert.rejects(ensureFiles(into, bad), /answered 404.*sent only 20 of.*sent more than/)
  await assert.rejects(ensureFiles(into, source([home], { sha256: '0'.repeat(64) })), /SHA-256 is/)
  assert.deepEqual(await readdir(into), [])

  const told: [string, number, number][] = []
  const paths = await ensureFiles(into, source([`${home}/gone`, home]), {
    onProgress: ({ url, received, bytes }) => told.push([url.slice(home.length), received, bytes]),
  })
  assert.deepEqual(told, [
    ['/gone/tiny-idx3-ubyte.gz', 0, zipped.length],
    ['/tiny-idx3-ubyte.gz', 0, zipped.length],
    ['/tiny-idx3-ubyte.gz', zipped.length, zipped.length],
  ])
  assert.deepEqual(await readdir(into), ['tiny-idx3-ubyte.gz'])
  assert.deepEqual(new Uint8Array(await readIdx(paths['tiny-idx3-ubyte'], shape)), values)
})

test('a download is told of about every tenth of it, however small the pieces are that it comes in', async () => {
  // However the network joins the pieces, what is read at once is 64 KiB at most, far below a tenth.
  const noise = randomBytes(4_000_000)
  const server = createServer(async (_, response) => {
    for (let at = 0; at < noise.length; at += 10_000) {
      response.write(noise.subarray(at, at + 10_000))
      await setImmediate()
    }
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  const file = { bytes: noise.length, sha256: createHash('sha256').update(noise).digest('hex') }
  const home = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const told: number[] = []
  await ensureFiles(join(folder, 'pieces'), source([home], file), {
    onProgress: ({ received }) => told.push(received),
  })
  assert.deepEqual([told[0], told.at(-1)], [0, noise.length])
  // A tenth at the most once, and in order.
  const tenths = told.map(received => Math.floor((10 * received) / noise.length))
  assert.deepEqual(
    [...new Set(tenths)].sort((a, b) => a - b),
    tenths,
  )
  assert.ok(tenths.length > 3)
})

test('a task that downloads tells of it before it asks for anything', async () => {
  const controller = new AbortController()
  const told: string[] = []
  const context = makeContext(
    { datasetsDir: join(folder, 'none') },
    {} as Engine,
    {} as Objects,
    ({ url }) => {
      told.push(url)
      // Before anything is asked of the public home.
      controller.abort(new Error('enough'))
    },
  )
  const spec = resolveSpec(
    {
      dataset: { name: 'mnist' },
      architecture: { name: 'fc' },
      optimizer: { name: 'sgd', learningRate: 0.1 },
      training: { iterations: 1 },
    },
    facts,
  )
  await assert.rejects(context.prepare({ spec }, controller.signal), /enough/)
  assert.match(told[0], /\/train-images-idx3-ubyte\.gz$/)
  assert.equal(told.length, 1)
})

test('splits take whole files in order, parts of them by seed, and validation from the test file if it must', () => {
  const files = { trainFile: 100, testFile: 20 }
  const pick = (train: number, validation: number, seed = 0) =>
    selectExamples({ train, validation }, files, seed)
  const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

  const all = pick(90, 10)
  assert.deepEqual([all.train.file, [...all.train.indices]], ['train', upTo(0, 90)])
  assert.deepEqual([all.validation.file, [...all.validation.indices]], ['train', upTo(90, 100)])

  const some = pick(50, 10)
  assert.equal(some.validation.file, 'train')
  assert.equal(new Set([...some.train.indices, ...some.validation.indices]).size, 60)
  assert.deepEqual(pick(50, 10), some)
  assert.notDeepEqual(pick(50, 10, 1), some)
  assert.deepEqual(pick(50, 0).train, some.train)

  const both = pick(100, 20)
  assert.deepEqual(
    [both.validation.file, [...both.train.indices], [...both.validation.indices]],
    ['test', upTo(0, 100), upTo(0, 20)],
  )
  const part = pick(95, 10)
  assert.equal(part.validation.file, 'test')
  assert.notDeepEqual([...part.validation.indices], upTo(0, 10))
  assert.throws(() => pick(101, 0), RangeError)
  assert.throws(() => pick(90, 21), RangeError)
})
