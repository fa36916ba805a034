/** Uploads with something wrong in each. */
import { gzipSync } from 'node:zlib'
import { cifar, idxImages, idxLabels, npy } from './uploads.ts'

export type Part = [field: string, value: string | Buffer]
/** Twelve images of 4 × 4 in three classes. */
export const pair: Part[] = [
  ['images', idxImages(12)],
  ['labels', idxLabels(12)],
]
export const named = (name: string, ...parts: Part[]): Part[] => [['name', name], ...parts]

export const images = idxImages(12)
/** The file with one byte of it changed. */
export const change = (file: Buffer, at: number, value: number) => {
  const changed = Buffer.from(file)
  changed[at] = value
  return changed
}

const zipped = gzipSync(images)
const just = (field: string, value: string | Buffer): Part[] => named('x', [field, value])
const withLabels = (value: Buffer): Part[] => named('x', ['images', images], ['labels', value])
/** What must be refused: the parts of the form, the status, where, and the words. */
export const refused: [
  what: string,
  parts: Part[],
  status: number,
  path: string | undefined,
  message: RegExp,
][] = [
  ['no file', named('x'), 422, '$.images', /is required/],
  ['no name', pair, 422, '$.name', /is required/],
  ['a path for a name', named('../x', ...pair), 422, '$.name', /letters, digits/],
  ['a name that is built in', named('MNIST', ...pair), 409, undefined, /built in/],
  ['an empty file', just('images', Buffer.alloc(0)), 422, '$.images', /images.bin: .*found no bytes/],
  ['a wrong magic', just('images', Buffer.from('PNG?')), 422, '$.images', /found 504e473f at byte 0/],
  [
    'IDX of floats',
    just('images', change(images, 2, 13)),
    422,
    '$.images',
    /unsigned bytes \(08\) at byte 2.*0d/,
  ],
  [
    'IDX of two dimensions',
    just('images', change(images, 3, 2)),
    422,
    '$.images',
    /shape \(n, height, width\)/,
  ],
  ['a header that ends', just('images', images.subarray(0, 9)), 422, '$.images', /end of the file at byte/],
  [
    'a file cut short',
    just('images', images.subarray(0, 100)),
    422,
    '$.images',
    /expected 192 bytes.* found 84: .*cut short at byte 100/,
  ],
  [
    'trailing bytes',
    just('images', Buffer.concat([images, images])),
    422,
    '$.images',
    /end of the file after 192 .*more at byte 208/,
  ],
  ['gzip cut short', just('images', zipped.subarray(0, 30)), 422, '$.images', /whole gzip file, .*byte 30 /],
  [
    'gzip damaged',
    just('images', change(zipped, zipped.length - 6, zipped[zipped.length - 6] ^ 1)),
    422,
    '$.images',
    /whole gzip file/,
  ],
  [
    'bytes after gzip',
    just('images', Buffer.concat([zipped, Buffer.from('more')])),
    422,
    '$.images',
    /gzip file/,
  ],
  [
    'a gzip bomb',
    just('train', gzipSync(Buffer.alloc(3073 * 1000))),
    413,
    '$.train[0]',
    /more than 100000 bytes/,
  ],
  [
    'a header that promises too much',
    just('images', idxImages(12).fill(255, 4, 16)),
    422,
    '$.images',
    /dimensions of at most 2147483647/,
  ],
  [
    'images beyond the limit',
    just('images', change(images, 5, 200)),
    413,
    '$.images',
    /has \d+ bytes of images/,
  ],
  [
    'a body beyond the limit',
    just('train', Buffer.alloc(3073 * 40)),
    413,
    '$.train[0]',
    /more than 100000 bytes/,
  ],
  [
    'a body far beyond it',
    just('train', Buffer.alloc(2 ** 21)),
    413,
    undefined,
    /an upload may have 100000 bytes/,
  ],
  [
    'too few labels',
    withLabels(idxLabels(11)),
    422,
    '$.labels',
    /as many labels as images has images, 12; has 11/,
  ],
  ['labels of one class', withLabels(idxLabels(12).fill(0, 8)), 422, '$.labels', /at least two classes/],
  [
    'labels that are not below classes',
    named('x', ...pair, ['classes', '2']),
    422,
    '$.labels',
    /0 to 1.*found 2 at 2/,
  ],
  [
    'labels that are negative',
    withLabels(npy('|i1', '(12,)', Buffer.alloc(12, 255))),
    422,
    '$.labels',
    /0 to 255, found -1 at 0/,
  ],
  [
    'labels that are floats',
    withLabels(npy('<f4', '(12,)', Buffer.alloc(48))),
    422,
    '$.labels',
    /integers, found <f4/,
  ],
  [
    'images that are floats',
    just('images', npy('<f4', '(1, 2, 2)', Buffer.alloc(16))),
    422,
    '$.images',
    /uint8.*found <f4.*255/,
  ],
  [
    'Fortran order',
    just('images', npy('|u1', '(1, 2, 2)', Buffer.alloc(4), { order: 'True' })),
    422,
    '$.images',
    /ascontiguousarray/,
  ],
  ['no labels', just('images', images), 422, '$.labels', /is required beside images/],
  [
    'test images of another shape',
    named('x', ...pair, ['testImages', idxImages(2, 5)], ['testLabels', idxLabels(2)]),
    422,
    '$.testImages',
    /4 × 4 × 1.*5 × 5 × 1/,
  ],
  [
    'a CIFAR label',
    just('train', change(cifar(3), 2 * 3073, 10)),
    422,
    '$.train[0]',
    /0 to 9, found 10 at 2/,
  ],
  [
    'half a CIFAR record',
    named('x', ['train', cifar(2)], ['train', cifar(3).subarray(0, 3073 + 7)]),
    422,
    '$.train[1]',
    /7 bytes after record 1, at byte 3073/,
  ],
  ['CIFAR beside images', named('x', ['images', images], ['train', cifar(1)]), 422, '$.train', /beside/],
  [
    'another format than said',
    named('x', ['format', 'npy'], ...pair),
    422,
    '$.images',
    /must be npy.*is idx/,
  ],
  ['a format that is none', named('x', ['format', 'png'], ...pair), 422, '$.format', /idx, cifar, npy/],
  ['classes that are none', named('x', ['classes', '1e2'], ...pair), 422, '$.classes', /2 to 256/],
  ['the same file twice', named('x', ...pair, ...pair), 422, '$.images', /once/],
  ['a file where text belongs', [['name', Buffer.from('x')]], 422, '$.name', /must be text/],
  ['text where a file belongs', just('images', 'x'), 422, '$.images', /must be a file/],
  ['a field that is none', just('image', images), 422, '$.image', /fields: name/],
]
