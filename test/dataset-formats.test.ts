/** Files as other writers than numpy's of today write them: what is taken, and that the same examples are the same dataset. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { About } from '../src/data/uploads/about.ts'
import { loadStored } from '../src/data/uploads/stored.ts'
import { minimalSpec, startApi, type TestApi } from './support/api.ts'
import type { Part } from './support/upload-parts.ts'
import {
  channelsFirst,
  cifar100,
  float32,
  fortran,
  idxImages,
  idxIntegers,
  idxLabels,
  int16,
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

const labelled: Part[] = [['labels', npy('|u1', '(2,)', labels(2))]]

test('numbers are kept as float32, in the order of examples, and float64 is rounded, which is said', async () => {
  const values = Array.from({ length: 24 }, (_, i) => Math.sin(i) * 1e3)
  const kept = float32(values)
  const first = (at: number) => Math.floor(at / 12) * 12 + (at % 3) * 4 + (Math.floor(at / 3) % 4)
  const doubles = Buffer.from(Float64Array.from(values).buffer)
  const forms: [Part[], number[], Buffer][] = [
    [[['images', npy('<f4', '(2, 12)', kept)]], [12], kept],
    [[['images', npy('<f8', '(2, 3, 4)', doubles)]], [3, 4, 1], kept],
    [
      [
        ['layout', 'sequence'],
        ['images', npy('<f4', '(2, 3, 4)', kept)],
      ],
      [3, 4],
      kept,
    ],
    // [2, 3, 2, 2] with the channels first: value (n, c, i, j) goes to (n, i, j, c).
    [
      [
        ['layout', 'nchw'],
        ['images', npy('<f4', '(2, 3, 2, 2)', kept)],
      ],
      [2, 2, 3],
      float32(values.map((_, at) => values[first(at)])),
    ],
  ]
  for (const [parts, shape, expected] of forms) {
    const body = await send([['values', 'numbers'], ...parts, ...labelled])
    assert.deepEqual([body.shape, body.values, body.classes, body.outputs], [shape, 'numbers', 2, null])
    assert.deepEqual(await stored(body.name, 'train-images'), expected)
    assert.equal(/float64 rounded to float32 in images/.test(body.description), String(shape) === '3,4,1')
  }
})

test('targets may be numbers, and examples tokens; a spec on them is what fits them', async () => {
  const features = npy('<f4', '(2, 3)', float32([1, 2, 3, 4, 5, 6]))
  const regression = await send([
    ['values', 'numbers'],
    ['targets', 'numbers'],
    ['images', features],
    ['labels', npy('<i4', '(2, 2)', wide(Buffer.from([1, 2, 3, 4]), 4, 'little'))],
    ['testImages', features],
    ['testLabels', npy('<f4', '(2, 2)', float32([0.5, -1, 2, 8]))],
  ])
  assert.deepEqual([regression.classes, regression.outputs, regression.shape], [null, 2, [3]])
  assert.deepEqual(await stored(regression.name, 'train-labels'), float32([1, 2, 3, 4]))
  const preview = (spec: object) =>
    api.http.post('/v1/experiments/preview').send({ ...minimalSpec(), ...spec })
  const dataset = { name: regression.name, normalization: { name: 'per-channel' } }
  const { body } = await preview({ dataset }).expect(200)
  assert.deepEqual(body.spec.loss, { name: 'mean-squared-error' })
  assert.deepEqual(body.spec.dataset.normalization, { name: 'per-channel' })
  assert.deepEqual(body.variables.at(-1).shape, [2])
  const given = { name: 'per-channel', mean: [1, 2, 3], deviation: [1, 1, 1] }
  for (const [spec, path, message] of [
    [
      { dataset, loss: { name: 'cross-entropy' } },
      '$.loss.name',
      /mean-squared-error.*are numbers, not classes/,
    ],
    [
      { dataset, allocation: { diagnostics: { classes: true } } },
      '$.allocation.diagnostics.classes',
      /are numbers/,
    ],
    [
      { dataset: { ...dataset, normalization: { name: 'unit' } } },
      '$.dataset.normalization.name',
      /not bytes/,
    ],
    [
      { dataset: { ...dataset, normalization: { ...given, mean: [1, 2] } } },
      '$.dataset.normalization.mean',
      /must have 3 numbers/,
    ],
    [
      { dataset: { ...dataset, normalization: { ...given, deviation: undefined } } },
      '$.dataset.normalization.deviation',
      /both left out/,
    ],
  ] as const) {
    const { body } = await preview(spec).expect(422)
    assert.equal(body.errors[0].path, path)
    assert.match(body.errors[0].message, message)
  }

  const tokens = await send([
    ['values', 'tokens'],
    ['classNames', '["no","yes"]'],
    ['images', npy('<i2', '(2, 4)', int16([1, 0, 300, 2, 5, 4, 3, 2]))],
    ['labels', npy('|u1', '(2, 2)', Buffer.from([0, 1, 1, 0]))],
  ])
  assert.deepEqual(
    [tokens.values, tokens.vocabulary, tokens.targets, tokens.classes, tokens.classNames],
    ['tokens', 301, 2, 2, ['no', 'yes']],
  )
  assert.deepEqual(await stored(tokens.name, 'train-images'), int16([1, 0, 300, 2, 5, 4, 3, 2]))
  assert.deepEqual(await stored(tokens.name, 'train-labels'), int16([0, 1, 1, 0]))
  const load = async (name: string, examples: { trainExamples: number; validationExamples: number }) => {
    const upload = await api.db.prisma.dataset.findFirstOrThrow({ where: { name } })
    const files = (upload.files as { name: string }[]).map(file => file.name)
    const folder = `${api.directory}/objects/datasets/${upload.id}`
    const paths = Object.fromEntries(files.map(file => [file, `${folder}/${file}`]))
    return loadStored({ ...upload, about: upload.about as About }, paths, { name, seed: 0, ...examples })
  }
  const { train } = await load(tokens.name, { trainExamples: 2, validationExamples: 0 })
  assert.deepEqual(train, {
    ...{ count: 2, shape: [4], classes: 2, vocabulary: 301, targets: 2 },
    images: Uint16Array.of(1, 0, 300, 2, 5, 4, 3, 2),
    labels: Uint16Array.of(0, 1, 1, 0),
  })
  const { validation } = await load(regression.name, { trainExamples: 2, validationExamples: 2 })
  assert.deepEqual(validation, {
    ...{ count: 2, shape: [3], classes: 2, regression: true },
    images: Float32Array.of(1, 2, 3, 4, 5, 6),
    labels: Float32Array.of(0.5, -1, 2, 8),
  })
})

test('numbers that are none are refused with their place', async () => {
  const refuse = async (parts: Part[], path: string, message: RegExp) => {
    let sending = api.http.post('/v1/datasets').field('name', 'refused')
    for (const [field, value] of parts)
      sending =
        typeof value === 'string' ? sending.field(field, value) : sending.attach(field, value, `${field}.bin`)
    const { body } = await sending.expect(422)
    assert.equal(body.errors[0].path, path)
    assert.match(body.errors[0].message, message)
  }
  const numbers: Part = ['values', 'numbers']
  const four = (type: string, values: Buffer): Part[] => [numbers, ['images', npy(type, '(2, 2)', values)]]
  const sound = float32([1, 2, 3, 4])
  await refuse(four('<f4', float32([0, 1, Number.NaN, 2])), '$.images', /found NaN at \[1, 0\]/)
  await refuse(
    four('<f8', Buffer.from(Float64Array.of(0, 1e39, 0, 0).buffer)),
    '$.images',
    /that float32 has, found 1e\+39 at \[0, 1\]/,
  )
  await refuse(
    [numbers, ['images', npy('<f4', '(4,)', sound)]],
    '$.images',
    /features of shape \(n, features\)/,
  )
  await refuse(
    [numbers, ['images', npy('<f4', '(2, 2)', sound, { order: 'True' })]],
    '$.images',
    /np\.ascontiguousarray/,
  )
  await refuse(
    [
      ['targets', 'numbers'],
      ['images', images],
      ['labels', npy('<f4', '(12, 2)', float32(Array(24).fill(Number.POSITIVE_INFINITY)))],
    ],
    '$.labels',
    /found Infinity at \[0, 0\]/,
  )
  await refuse(
    [
      ['values', 'tokens'],
      ['images', npy('|i1', '(1, 2)', Buffer.from([3, 255]))],
    ],
    '$.images',
    /0 to 65535, found -1 at \[0, 1\]/,
  )
  const pair: Part[] = [...four('<f4', sound), ...labelled]
  await refuse([...pair, ['classNames', '["a"]']], '$.classNames', /must be 2 names, one a class; are 1/)
  await refuse([['classNames', 'cat,dog'], ...pair], '$.classNames', /JSON array/)
  await refuse([...pair, ['vocabulary', '9']], '$.vocabulary', /left out/)
})
