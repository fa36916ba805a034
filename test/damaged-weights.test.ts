/** One bit of a segment's weights, forgotten by storage between training and allocation: no number is made of it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { npyHeader } from '../src/objects/npy.ts'
import { DamagedObjectError, MissingObjectError, objectKey } from '../src/objects/objects.ts'
import { openObjects } from '../src/objects/open.ts'
import { inspect } from '../src/objects/verify.ts'
import { fetchUpload } from '../workers/fetched.ts'
import { openRows, readRows } from '../workers/tasks/rows.ts'
import { flipBit } from './support/rot.ts'

const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-rot-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const objects = await openObjects({ objectsDir: join(directory, 'objects') })
const { signal } = new AbortController()

async function matrix(name: string, rows: number, columns: number) {
  const writer = await openRows(objects, 'x', name, rows, columns)
  for (let row = 0; row < rows; row++) await writer.append(new Float32Array(columns).fill(row))
  const { name: _, ...object } = await writer.commit()
  return { ...object, key: objectKey('x', name) }
}

test('rows of an object are read as they were written, or not at all', async () => {
  // Rows that end within, with and beyond what is read at once.
  for (const columns of [1, 1000, 16_384 - 32, 40_000]) {
    const known = await matrix('weights/0-4.npy', 5, columns)
    const rowAt = await readRows(objects, known, columns)
    for (const row of [0, 4, 2]) assert.deepEqual(await rowAt(row), new Float32Array(columns).fill(row))
    // What changes after it was hashed is noticed where it is read.
    await flipBit(objects, known.key, 128 + 2 * 4 * columns)
    await assert.rejects(rowAt(2), DamagedObjectError)
    assert.deepEqual(await rowAt(0), new Float32Array(columns).fill(0))
    await assert.rejects(
      readRows(objects, known, columns),
      /weights\/0-4\.npy is damaged: it has SHA-256 [0-9a-f]{64}, not/,
    )
    assert.equal(await inspect(objects, known), 'damaged')
    await objects.remove(known.key)
    await assert.rejects(readRows(objects, known, columns), MissingObjectError)
    assert.equal(await inspect(objects, known), 'missing')
  }
  const known = await matrix('weights/0-4.npy', 5, 8)
  await assert.rejects(readRows(objects, known, 4), /expected float32 \[\*, 4\]/)
  await assert.rejects(readRows(objects, { ...known, bytes: known.bytes - 4 }, 8), DamagedObjectError)
})

test('a copy of an upload that has rotted on this machine is fetched again; one that has in storage says so', async () => {
  const content = Buffer.concat([npyHeader('uint8', [1000]), Buffer.alloc(1000, 5)])
  const sha256 = createHash('sha256').update(content).digest('hex')
  const key = 'datasets/d/train-images'
  const writer = await objects.write(key, 'application/octet-stream')
  await writer.append(content)
  await writer.commit()
  const upload = { id: 'd', name: 'mine', files: [{ name: 'train-images', bytes: content.length, sha256 }] }
  const fetched = async () => (await fetchUpload(objects, directory, upload, signal))['train-images']
  const path = await fetched()
  assert.equal(path, join(directory, '.uploads', sha256))
  const rotten = Buffer.from(content)
  rotten[500] ^= 4
  await writeFile(path, rotten)
  assert.deepEqual(await readFile(await fetched()), content)
  await writeFile(path, rotten)
  await flipBit(objects, key)
  await assert.rejects(
    fetched(),
    /^DatasetError: mine: the object datasets\/d\/train-images is damaged: .*upload the same files again/,
  )
})
