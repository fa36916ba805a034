import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { loadSplits } from '../src/data/registry.ts'
import { drawDigits } from '../src/data/synthetic.ts'

const sha256 = (bytes: NodeJS.ArrayBufferView) => createHash('sha256').update(bytes).digest('hex')

test('the same seed draws the same bytes, on every machine', async () => {
  const { count, shape, classes, images, labels } = await drawDigits(0, 'train', 200)
  assert.deepEqual({ count, shape, classes }, { count: 200, shape: [28, 28, 1], classes: 10 })
  assert.equal(images.length, 200 * 784)
  assert.equal(sha256(images), '9002752153f1030aec664f9fe945ae918d4a1aeb395f1624d5e2ee02591e4dd6')
  assert.equal(sha256(labels), '2d49591f097366f4dfe78f004df75b98d519afc78b0788ba876d595a154fc5d2')
})

test('asking for more keeps the first ones; another seed or split draws others', async () => {
  const few = await drawDigits(3, 'train', 20)
  const more = await drawDigits(3, 'train', 50)
  assert.deepEqual(more.images.subarray(0, 20 * 784), few.images)
  assert.deepEqual(more.labels.subarray(0, 20), few.labels)
  for (const other of [await drawDigits(4, 'train', 20), await drawDigits(3, 'validation', 20)]) {
    assert.notDeepEqual(other.images, few.images)
  }
})

test('classes are balanced, images are mostly paper with a digit in the middle', async () => {
  const { images, labels } = await drawDigits(1, 'train', 3000)
  const counts = new Array(10).fill(0)
  for (const label of labels) counts[label]++
  assert.ok(Math.min(...counts) > 230 && Math.max(...counts) < 370, counts.join())
  const mean = (pixels: number[]) => {
    let sum = 0
    for (let i = 0; i < 3000; i++) for (const pixel of pixels) sum += images[i * 784 + pixel]
    return sum / (3000 * pixels.length)
  }
  const border = [...Array(28).keys()].flatMap(i => [i, 27 * 28 + i, i * 28, i * 28 + 27])
  const middle = [10, 14, 18].flatMap(y => [10, 12, 14, 16, 18].map(x => y * 28 + x))
  assert.ok(mean(border) < 35 && mean(middle) > 55, `${mean(border)} ${mean(middle)}`)
})

test('splits of the sizes asked for, none if none are', async () => {
  const { train, validation } = await loadSplits(
    { name: 'synthetic-digits', trainExamples: 1200, validationExamples: 0, seed: 0 },
    { directory: 'unused' },
  )
  assert.deepEqual([train.count, validation.count, validation.images.length], [1200, 0, 0])
})

test('an aborted drawing stops', async () => {
  const signal = AbortSignal.abort(new Error('no longer wanted'))
  await assert.rejects(drawDigits(0, 'train', 100_000, { signal }), /no longer wanted/)
})
