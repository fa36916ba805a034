/** Images in any order of their axes are stored example by example, channels last, through blocks of any size. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openScratch } from '../src/api/routes/datasets/scratch.ts'
import { arrange, arrangementOf } from '../src/data/uploads/arrangement.ts'
import { openFolder } from '../src/objects/folder.ts'
import { channelsFirst, fortran, pixels } from './support/uploads.ts'

test('Fortran order is transposed, in memory and through the object store', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'loss-ledger-arrangement-'))
  t.after(() => rm(directory, { recursive: true }))
  const objects = openFolder(directory)
  let scratches = 0
  const open = () => openScratch(objects, `datasets/scratch-${scratches++}`)
  const [height, width, channels] = [5, 7, 3]
  const size = height * width * channels
  for (const count of [1, 2, 13]) {
    const right = pixels(count * size)
    const first = channelsFirst(right, [height, width, channels])
    // A single value of each example, a few, some that leave a last panel of fewer, all.
    for (const layout of ['nhwc', 'nchw'] as const)
      for (const isFortran of [false, true])
        for (const block of [1, count * 4, count * 10, 2 ** 20]) {
          const shape =
            layout === 'nhwc' ? [count, height, width, channels] : [count, channels, height, width]
          const inC = layout === 'nhwc' ? right : first
          const file = isFortran ? fortran(inC, shape) : inC
          const parts: Buffer[] = []
          const append = async (bytes: Uint8Array) => void parts.push(Buffer.from(bytes))
          const sink = arrange(arrangementOf(shape, isFortran, layout), 'f', append, open, block)
          for (let at = 0; at < file.length; at += 11) await sink.append(file.subarray(at, at + 11))
          await sink.end()
          assert.deepEqual(Buffer.concat(parts), right, `${count} ${layout} ${isFortran} ${block}`)
        }
  }
  // Two layouts and three small blocks for each of two counts.
  assert.equal(scratches, 12)
  assert.deepEqual(await objects.names('datasets'), [])
})

test('grey images have no channels to be moved', async () => {
  const right = pixels(4 * 6)
  for (const isFortran of [false, true]) {
    const parts: Uint8Array[] = []
    const file = isFortran ? fortran(right, [4, 3, 2]) : right
    const arrangement = arrangementOf([4, 3, 2], isFortran, 'nchw')
    const append = async (bytes: Uint8Array) => void parts.push(Buffer.from(bytes))
    const sink = arrange(arrangement, 'f', append, () => assert.fail('it fits into memory'))
    await sink.append(file)
    await sink.end()
    assert.deepEqual(Buffer.concat(parts), right)
    assert.deepEqual(arrangement.shape, [3, 2, 1])
  }
})

test('an image too large to be turned in memory is refused', () => {
  const arrangement = arrangementOf([2, 3, 2048, 2048], false, 'nchw')
  assert.throws(
    () =>
      arrange(
        arrangement,
        'f',
        async () => {},
        () => assert.fail(),
      ),
    /f: expected images of at most 4194304 values.*found 12582912: save np.ascontiguousarray/,
  )
})
