import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { cifar10Facts, loadCifar10, parseCifar } from '../src/data/cifar.ts'
import { DatasetError } from '../src/data/errors.ts'
import { makeFacts } from '../src/plan.ts'
import { SpecError } from '../src/spec/errors.ts'
import { resolveSpec } from '../src/spec/resolve.ts'

const record = 3073
const directories: string[] = []
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** Records whose labels and values say which file and record they are of. */
function file(count: number, tag: number): Buffer {
  const bytes = Buffer.alloc(count * record)
  for (let r = 0; r < count; r++) {
    bytes.fill(tag, r * record, (r + 1) * record)
    bytes[r * record] = r % 10
  }
  return bytes
}

function folder(files: Record<string, Buffer>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'loss-ledger-cifar-'))
  directories.push(directory)
  mkdirSync(path.join(directory, 'cifar-10'))
  for (const [name, bytes] of Object.entries(files))
    writeFileSync(path.join(directory, 'cifar-10', name), bytes)
  return directory
}

const load = (directory: string, trainExamples: number, validationExamples: number, signal?: AbortSignal) =>
  loadCifar10({ name: 'cifar-10', trainExamples, validationExamples, seed: 0 }, { directory, signal })

const fails = (what: Promise<unknown> | (() => unknown), message: RegExp) => {
  const isRight = (error: unknown) => {
    assert.ok(error instanceof DatasetError, String(error))
    assert.match(error.message, message)
    return true
  }
  return typeof what === 'function' ? assert.throws(what, isRight) : assert.rejects(what, isRight)
}

test('a record is a label and three planes, which become channels last', () => {
  const bytes = Buffer.alloc(2 * record)
  bytes[record] = 7
  bytes[record + 1 + 33] = 11 // red of row 1, column 1
  bytes[record + 1 + 1024 + 33] = 12
  bytes[record + 1 + 2048 + 33] = 13
  const { images, labels } = parseCifar(bytes, 'file')
  assert.deepEqual([...labels], [0, 7])
  assert.equal(images.length, 2 * 3072)
  assert.deepEqual([...images.subarray(3072 + 33 * 3, 3072 + 34 * 3)], [11, 12, 13])
  assert.equal(
    images.reduce((sum, value) => sum + value, 0),
    36,
  )
})

test('any of the files, gzipped or not, in the order of their names', async () => {
  const directory = folder({
    'data_batch_2.bin.gz': gzipSync(file(3, 2)),
    'data_batch_5.bin': file(4, 5),
    'test_batch.bin.gz': gzipSync(file(2, 9)),
  })
  const { train, validation } = await load(directory, 7, 2)
  assert.deepEqual([...train.labels], [0, 1, 2, 0, 1, 2, 3])
  assert.deepEqual(
    Array.from({ length: 7 }, (_, i) => train.images[i * 3072]),
    [2, 2, 2, 5, 5, 5, 5],
  )
  assert.deepEqual([validation.count, validation.images[0]], [2, 9])
  assert.deepEqual([train.shape, train.classes], [[32, 32, 3], 10])
})

test('validation examples come from the training files where these have enough', async () => {
  const { train, validation } = await load(folder({ 'data_batch_1.bin': file(10, 1) }), 6, 4)
  assert.deepEqual(
    [...train.labels, ...validation.labels],
    Array.from({ length: 10 }, (_, i) => i),
  )
})

test('fewer examples than asked for: how many there are, and what to put where', async () => {
  const directory = folder({ 'data_batch_1.bin': file(10, 1) })
  await fails(load(directory, 11, 0), /holds 10 training and 0 test examples.*data_batch_1\.bin.*test_batch/s)
  await fails(load(directory, 8, 4), /too few for 8 to train on and 4 to validate on/)
  await fails(load(folder({}), 1, 0), /holds 0 training/)
})

test('files that are not what they should be', async () => {
  fails(() => parseCifar(file(2, 1).subarray(0, 5000), 'data_batch_1.bin'), /found 1 and 1927 bytes more/)
  fails(() => parseCifar(Buffer.alloc(0), 'data_batch_1.bin'), /found 0 and 0 bytes more/)
  fails(() => parseCifar(Buffer.alloc(record, 10), 'data_batch_1.bin'), /labels from 0 to 9, found 10 at 0/)
  const zipped = gzipSync(file(3, 2))
  const cut = folder({ 'data_batch_1.bin.gz': zipped.subarray(0, zipped.length - 20) })
  await fails(load(cut, 1, 0), /data_batch_1\.bin\.gz: found no complete gzip file/)
  const bomb = folder({ 'data_batch_1.bin.gz': gzipSync(Buffer.alloc(record * 10_001)) })
  await fails(load(bomb, 1, 0), /more than the 10000 records/)
  await fails(load(folder({ 'data_batch_1.bin': Buffer.alloc(record * 10_200) }), 1, 0), /at most 30730000/)
})

test('an abort ends the reading', async () => {
  const directory = folder({ 'data_batch_1.bin': file(10, 1) })
  await assert.rejects(load(directory, 5, 0, AbortSignal.abort(new Error('stop'))), /stop/)
})

test('how many examples there are is what the files say, zipped or not', () => {
  const { trainFile, testFile, defaults, more } = cifar10Facts(
    folder({
      'data_batch_1.bin': file(30, 1),
      'data_batch_4.bin.gz': gzipSync(file(12, 4)),
      'test_batch.bin.gz': gzipSync(file(7, 9)),
    }),
  )
  assert.deepEqual([trainFile, testFile], [42, 7])
  assert.deepEqual(defaults, { trainExamples: 38, validationExamples: 4 })
  assert.match(more ?? '', /data_batch_2\.bin.*DATASETS_DIR\/cifar-10/)
  // None here may mean that they are where the workers are.
  for (const place of [undefined, folder({}), tmpdir()])
    assert.deepEqual([cifar10Facts(place).trainFile, cifar10Facts(place).testFile], [50_000, 10_000])
})

test('asking for more than there is names the field and says how to have more', () => {
  const facts = makeFacts({ datasetsDir: folder({ 'data_batch_1.bin': file(30, 1) }) })
  const spec = (trainExamples: number) => ({
    dataset: { name: 'cifar-10', trainExamples, validationExamples: 0 },
    architecture: { name: 'fc' },
    optimizer: { name: 'sgd' },
    training: { iterations: 1 },
  })
  assert.equal(resolveSpec(spec(30), facts).dataset.trainExamples, 30)
  assert.throws(
    () => resolveSpec(spec(31), facts),
    (error: unknown) => {
      assert.ok(error instanceof SpecError)
      assert.equal(error.errors[0].path, '$.dataset.trainExamples')
      assert.match(error.errors[0].message, /≤ 30, .*got 31 \(put more of data_batch_1\.bin/)
      return true
    },
  )
})
