/** Files as other writers than numpy's of today write them: what is taken, and that the same examples are the same dataset. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startApi, type TestApi } from './support/api.ts'
import type { Part } from './support/refused-uploads.ts'
import {
  channelsFirst,
  cifar100,
  fortran,
  idxImages,
  idxIntegers,
  idxLabels,
  labels,
  npy,
  npyOf,
  npz,
  pixels,
  wide,
} from './support/uploads.ts'

let api: TestApi
before(async () => {
  api = await startApi()
})
after(() => api.close())

let count = 0
async function send(parts: Part[]) {
  const name = `d${count++}`
  let sending = api.http.post('/v1/datasets').field('name', name)
  for (const [field, value] of parts)
    sending =
      typeof value === 'string' ? sending.field(field, value) : sending.attach(field, value, `${field}.bin`)
  const { body, status } = await sending
  assert.equal(status, 201, JSON.stringify(body))
  return body
}
async function stored(name: string, file: string) {
  const { id } = await api.db.prisma.dataset.findFirstOrThrow({ where: { name } })
  return api.objects.read(`datasets/${id}/${file}`)
}

const values = pixels(12 * 16)
const images = npy('|u1', '(12, 4, 4)', values)
const turned = fortran(values, [12, 4, 4])
const withLabels = (file: Buffer): Part[] => [
  ['images', file],
  ['labels', idxLabels(12)],
]
const withImages = (file: Buffer): Part[] => [
  ['images', images],
  ['labels', file],
]
const arrays = { 'x.npy': images, 'y.npy': npy('<i8', '(12,)', wide(labels(12), 8, 'little')) }

/** Twelve images of 4 × 4 in three classes, each as another writer has them. */
const same: [what: string, parts: Part[]][] = [
  ...['<u1', '>u1', '=u1', 'u1', 'B', '|B', 'uint8'].map((type): [string, Part[]] => [
    `bytes as ${type}`,
    withLabels(npy(type, '(12, 4, 4)', values)),
  ]),
  [
    'Python 2',
    withLabels(npyOf("{'descr': '|u1', 'fortran_order': False, 'shape': (12L, 4L, 4L), }", values)),
  ],
  [
    'double quotes, another order, no spaces',
    withLabels(npyOf('{"shape":(12,4,4),"fortran_order":False,"descr":"|u1"}', values)),
  ],
  [
    'line breaks and prefixes',
    withLabels(npyOf("{ u'fortran_order' : False ,\n 'shape' :(12 , 4 , 4,) , 'descr' : b'|u1' }", values)),
  ],
  ['version 3', withLabels(npy('|u1', '(12, 4, 4)', values, { version: 3 }))],
  ['little-endian 32 bits', withLabels(npy('<i4', '(12, 4, 4)', wide(values, 4, 'little')))],
  ['big-endian 64 bits', withLabels(npy('>u8', '(12, 4, 4)', wide(values, 8, 'big')))],
  ['Fortran order', withLabels(npy('|u1', '(12, 4, 4)', turned, { order: 'True' }))],
  [
    'Fortran order of 16 bits',
    withLabels(npy('<i2', '(12, 4, 4)', wide(turned, 2, 'little'), { order: 'True' })),
  ],
  ['one channel first', [['layout', 'nchw'], ...withLabels(npy('|u1', '(12, 1, 4, 4)', values))]],
  [
    'IDX of 32 bits',
    [
      ['images', idxIntegers([12, 4, 4], values)],
      ['labels', idxIntegers([12], labels(12))],
    ],
  ],
  ['labels in a column', withImages(npy('|u1', '(12, 1)', labels(12)))],
  ['labels in a row of Fortran order', withImages(npy('|u1', '(1, 12)', labels(12), { order: 'True' }))],
  ['labels as int', withImages(npy('int', '(12,)', wide(labels(12), 8, 'little')))],
  ['.npz', [['npz', npz(arrays)]]],
  ['.npz, compressed', [['npz', npz(arrays, 6)]]],
  ['.npz, gzipped', [['npz', gzipSync(npz(arrays))]]],
  ['.npz without names', [['npz', npz({ 'arr_0.npy': images, 'arr_1.npy': arrays['y.npy'] })]]],
  ['.npz, labels first', [['npz', npz({ 'trainLabels.npy': idxLabels(12), 'train_images.npy': images })]]],
]

test('however they were written, the same examples are the same dataset', async () => {
  const { upload } = await send(withLabels(idxImages(12)))
  for (const [what, parts] of same) assert.equal((await send(parts)).upload.sha256, upload.sha256, what)
})

test('booleans are stored as 0 and 255', async () => {
  const bits = values.map(value => value & 1)
  const { name } = await send(withLabels(npy('|b1', '(12, 4, 4)', bits)))
  assert.deepEqual(await stored(name, 'train-images'), Buffer.from(bits.map(bit => bit * 255)))
})

test('channels are last in what is stored, wherever they were, in either order', async () => {
  // Five images of 6 × 2 with 3 channels.
  const shape = [6, 2, 3]
  const last = pixels(5 * 36)
  const first = channelsFirst(last, shape)
  const forms: Part[][] = [
    [['images', npy('|u1', '(5, 6, 2, 3)', last)]],
    [['images', npy('|u1', '(5, 6, 2, 3)', fortran(last, [5, 6, 2, 3]), { order: 'True' })]],
    [
      ['layout', 'nchw'],
      ['images', npy('|u1', '(5, 3, 6, 2)', first)],
    ],
    [
      ['layout', 'nchw'],
      ['images', npy('|u1', '(5, 3, 6, 2)', fortran(first, [5, 3, 6, 2]), { order: 'True' })],
    ],
  ]
  for (const parts of forms) {
    const body = await send([...parts, ['labels', idxLabels(5)]])
    assert.deepEqual(body.shape, shape)
    assert.deepEqual(await stored(body.name, 'train-images'), last)
  }
  // What could be either is taken as it is said to be.
  const either = npy('|u1', '(2, 3, 8, 8)', pixels(2 * 192))
  for (const [layout, shape] of [
    ['nchw', [8, 8, 3]],
    ['nhwc', [3, 8, 8]],
  ] as const) {
    const parts: Part[] = [
      ['layout', layout],
      ['images', either],
      ['labels', idxLabels(2)],
    ]
    assert.deepEqual((await send(parts)).shape, shape)
  }
})

test('an archive may hold a test set', async () => {
  const test = {
    'x_test.npy': npy('|u1', '(3, 4, 4)', pixels(48)),
    'y_test.npy': npy('|u1', '(3,)', labels(3)),
  }
  const { trainFile, testFile } = await send([['npz', npz({ ...arrays, ...test }, 6)]])
  assert.deepEqual([trainFile, testFile], [12, 3])
  const beside = await send([
    ['npz', npz(arrays)],
    ['testImages', test['x_test.npy']],
    ['testLabels', test['y_test.npy']],
  ])
  assert.deepEqual([beside.trainFile, beside.testFile], [12, 3])
})

test('CIFAR-100’s files have two labels a record, of which one is meant', async () => {
  for (const [cifar, classes, offset] of [
    ['fine', 100, 90],
    ['coarse', 20, 0],
  ] as const) {
    const body = await send([
      ['cifar100', cifar],
      ['train', cifar100(7)],
      ['test', gzipSync(cifar100(2))],
    ])
    assert.deepEqual([body.shape, body.classes, body.trainFile, body.testFile], [[32, 32, 3], classes, 7, 2])
    assert.deepEqual(
      await stored(body.name, 'train-labels'),
      Buffer.from(labels(7).map(label => label + offset)),
    )
    assert.equal((await stored(body.name, 'train-images')).length, 7 * 3072)
  }
})
