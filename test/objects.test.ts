/** The object store: whole objects or none, ranges, and keys that stay inside. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MissingObjectError, type Objects, objectKey } from '../src/objects/objects.ts'
import { openObjects } from '../src/objects/open.ts'

let directory: string
let objects: Objects
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'loss-ledger objects '))
  objects = await openObjects({ objectsDir: directory })
})
after(() => rmSync(directory, { recursive: true, force: true }))

const bytes = (content: string) => new TextEncoder().encode(content)
async function put(key: string, ...parts: string[]) {
  const writer = await objects.write(key, 'text/plain')
  for (const part of parts) await writer.append(bytes(part))
  return writer.commit()
}
const incoming = () => readdirSync(join(directory, '.incoming'))

test('an object is what was appended, with its length and SHA-256', async () => {
  const stored = await put('experiments/a/weights/0-50.npy', 'hello ', 'world')
  const sha256 = createHash('sha256').update('hello world').digest('hex')
  assert.deepEqual(stored, {
    key: 'experiments/a/weights/0-50.npy',
    bytes: 11,
    sha256,
    contentType: 'text/plain',
  })
  assert.equal((await objects.read(stored.key)).toString(), 'hello world')
  assert.deepEqual(await objects.stat(stored.key), { bytes: 11 })
})

test('objects of a folder that is not there yet are written side by side', async () => {
  for (let round = 0; round < 20; round++)
    await Promise.all(Array.from({ length: 6 }, (_, i) => put(`side/${round}/by/side/${i % 2}/${i}`, 'x')))
})

test('ranges are read and streamed: the start, not the end', async () => {
  const { key } = await put('ranges', '0123456789')
  assert.equal((await objects.read(key, { start: 2, end: 5 })).toString(), '234')
  assert.equal((await objects.read(key, { start: 10, end: 10 })).toString(), '')
  assert.equal(await text(objects.stream(key, { start: 7, end: 10 })), '789')
  assert.equal(await text(objects.stream(key, { start: 4, end: 4 })), '')
  assert.equal(await text(objects.stream(key)), '0123456789')
  await assert.rejects(objects.read(key, { start: 5, end: 11 }), RangeError)
  await assert.rejects(objects.read(key, { start: 5, end: 4 }), RangeError)
})

test('an object shows up when it is committed, not before, and never when it is aborted', async () => {
  const writer = await objects.write('later', 'text/plain')
  await writer.append(bytes('x'))
  assert.equal(await objects.stat('later'), undefined)
  await writer.abort()
  await writer.abort()
  assert.equal(await objects.stat('later'), undefined)
  assert.deepEqual(incoming(), [])
  await assert.rejects(writer.append(bytes('y')), /already aborted/)
})

test('writing a key again replaces the object; a reader of the old one is not disturbed', async () => {
  await put('twice', 'old')
  const stream = objects.stream('twice')
  stream.once('readable', () => {})
  await once(stream, 'readable')
  await put('twice', 'newer')
  assert.equal(await text(stream), 'old')
  assert.equal((await objects.read('twice')).toString(), 'newer')
})

test('what is not there says so', async () => {
  await assert.rejects(objects.read('experiments/none'), MissingObjectError)
  await assert.rejects(objects.read('experiments'), MissingObjectError)
  await assert.rejects(text(objects.stream('experiments/none')), MissingObjectError)
  assert.equal(await objects.stat('experiments'), undefined)
  assert.equal(await objects.stat('ranges/below-an-object'), undefined)
})

test('removing a prefix removes what lies under it, and nothing that only begins alike', async () => {
  await put('experiments/p/one', '1')
  await put('experiments/p/two/three', '2')
  await put('experiments/p2/one', '3')
  await objects.remove('experiments/p')
  await objects.remove('experiments/p')
  assert.equal(await objects.stat('experiments/p/one'), undefined)
  assert.deepEqual(await objects.stat('experiments/p2/one'), { bytes: 1 })
})

test('no key leads outside or into what is not visible', async () => {
  const bad = [
    '',
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a//b',
    'a/',
    './a',
    '.incoming/x',
    'a/.hidden',
    'a\\b',
    'a b',
    'a\0b',
    'ä',
  ]
  for (const key of [...bad, 'x'.repeat(1000)]) {
    await assert.rejects(objects.write(key, 'text/plain'), /not an object key/, key)
    await assert.rejects(objects.read(key), /not an object key/, key)
    await assert.rejects(async () => objects.stream(key), /not an object key/, key)
    await assert.rejects(objects.remove(key), /not an object key/, key)
  }
  assert.equal(objectKey('id', 'weights/0-50.npy'), 'experiments/id/weights/0-50.npy')
})

test('removing does not follow links out of the store', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'loss-ledger-outside-'))
  writeFileSync(join(outside, 'precious'), '')
  mkdirSync(join(directory, 'experiments/linked'), { recursive: true })
  symlinkSync(outside, join(directory, 'experiments/linked/out'))
  await objects.remove('experiments/linked')
  assert.deepEqual(readdirSync(outside), ['precious'])
  rmSync(outside, { recursive: true })
})

test('who sweeps takes nothing from writers that commit at that moment', async () => {
  const [sweeping, others] = [new AbortController(), await openObjects({ objectsDir: directory })]
  const broom = (async () => {
    while (!sweeping.signal.aborted) await others.sweep()
  })()
  try {
    await Promise.all(Array.from({ length: 100 }, (_, i) => put(`experiments/swept/${i}`, 'all of it')))
  } finally {
    sweeping.abort()
    await broom
  }
  assert.equal((await objects.names('experiments/swept')).length, 100)
  await objects.remove('experiments/swept')
})

test('what a killed writer left is never visible, and swept by the next one; a living one is let be', async () => {
  const half = async () => {
    const child = fork(fileURLToPath(new URL('support/half-written.js', import.meta.url)), [directory])
    const before = new Set(incoming())
    await once(child, 'message')
    return { child, file: incoming().find(name => !before.has(name))! }
  }
  const [killed, living] = [await half(), await half()]
  killed.child.kill('SIGKILL')
  await once(killed.child, 'exit')
  // Of a writer without a lock: only time tells.
  const old = join(directory, '.incoming', 'elsewhere.1.0b7a')
  writeFileSync(old, '')
  utimesSync(old, 0, 0)
  writeFileSync(join(directory, '.incoming', 'elsewhere.2.0b7a'), '')
  // However long a living one takes, and whatever its pid means here.
  utimesSync(join(directory, '.incoming', living.file), 0, 0)

  const next = await openObjects({ objectsDir: directory })
  assert.equal(await next.stat('half'), undefined)
  await (await next.write('whole', 'text/plain')).commit()
  assert.deepEqual(incoming().sort(), ['elsewhere.2.0b7a', living.file].sort())
  living.child.kill('SIGKILL')
  await once(living.child, 'exit')
  await next.sweep()
  assert.deepEqual(incoming(), ['elsewhere.2.0b7a'])
})
