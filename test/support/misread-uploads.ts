/** Uploads that are something else than they are sent as. */
import { gzipSync } from 'node:zlib'
import { images, just, named, pair, type Refused, withLabels } from './upload-parts.ts'
import {
  cifar,
  cifar100,
  float32,
  idxImages,
  idxLabels,
  int16,
  labelOf,
  labels,
  npy,
  npyLabels,
  npyOf,
  npz,
  pixels,
} from './uploads.ts'

/** What must be refused with advice that works for the very file. */
export function misread(): Refused[] {
  const ofImages = (what: string, file: Buffer, message: RegExp): Refused => [
    ...([what, just('images', file), 422, '$.images', message] as const),
  ]
  const ofLabels = (what: string, file: Buffer, message: RegExp): Refused => [
    ...([what, withLabels(file), 422, '$.labels', message] as const),
  ]
  const floats = (...values: number[]) => npy('<f4', `(${values.length / 4}, 2, 2)`, float32(values))
  const shorts = (...values: number[]) => npy('<i2', `(${values.length / 4}, 2, 2)`, int16(values))
  const text = (what: string) => Buffer.from(what)
  const begin = (hex: string) => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(600, 1)])
  const tar = (name: string) => {
    const file = Buffer.alloc(1024)
    file.write(name)
    file.write('ustar', 257)
    return file
  }
  const archive = npz({ 'x.npy': npy('|u1', '(12, 4, 4)', pixels(192)), 'y.npy': npyLabels(12) })
  const more = (name: string, file: Uint8Array) =>
    npz({ 'x.npy': npy('|u1', '(12, 4, 4)', pixels(192)), [name]: file })
  return [
    ofImages(
      'floats to 1',
      floats(0, 0.25, 1, 0.5),
      /0 to 1: .*\(images \* 255\.0\)\.round\(\)\.astype\("uint8"\)$/,
    ),
    ofImages('floats to 255', floats(0, 0.5, 255, 1), /0 to 255: images\.round\(\)\.astype\("uint8"\)$/),
    ofImages('floats around 0', floats(-1, 0, 0.5, 1), /-1 to 1: .*\(\(images \+ 1\.0\) \* 127\.5\)\.round/),
    ofImages(
      'floats that are normalised',
      floats(-2.5, 0, 1, 3),
      /np\.interp\(images, \(-2\.5, 3\), \(0, 255\)\)\.round\(\)\.astype\("uint8"\)$/,
    ),
    ofImages(
      'floats that are none',
      floats(Number.NaN, 0, 1, 2),
      /1 of the values are NaN.*np\.nan_to_num\(images, nan=0\), \(0, 2\)/,
    ),
    ofImages(
      '16 bits',
      shorts(0, 5, 1016, 7),
      /0 to 1016: where 1023 is white.*np\.interp\(images, \(0, 1023\), \(0, 255\)\)/,
    ),
    ofImages(
      '16 bits with negative ones',
      shorts(-1024, 0, 1016, 7),
      /np\.interp\(images, \(-1024, 1016\), \(0, 255\)\)/,
    ),
    ofImages(
      'bits in 16 bits',
      shorts(0, 1, 1, 0),
      /where 1 is white, \(images \* 255\.0\).*one step of 255, images\.astype/,
    ),
    ofImages(
      'signed bytes',
      npy('|i1', '(1, 2, 2)', Buffer.from([128, 0, 1, 2])),
      /images\.astype\("int16"\) \+ 128/,
    ),
    ofImages('Python objects', npy('|O', '(12,)', Buffer.alloc(9)), /found \|O, Python objects: np\.stack/),
    ofImages('flat images', npy('|u1', '(2, 9)', pixels(18)), /found \(2, 9\): images\.reshape\(-1, 3, 3\)$/),
    ofImages(
      'flat images of floats',
      npy('<f4', '(1, 4)', float32([0, 1, 0, 0.5])),
      /\(images\.reshape\(-1, 2, 2\) \* 255\.0\)\.round/,
    ),
    ofImages(
      'flat colours',
      npy('|u1', '(2, 12)', pixels(24)),
      /images\.reshape\(-1, 3, 2, 2\), with layout=nchw.*\(-1, 2, 2, 3\)/,
    ),
    ofImages(
      'channels that may be first',
      npy('|u1', '(2, 3, 8, 8)', pixels(384)),
      /2 images of 8 × 8 with 3 channels, which come first \(layout=nchw\), or of 3 × 8 with 8 channels, which come last \(layout=nhwc\)/,
    ),
    ofImages('labels as images', idxLabels(12), /by their shape they are labels: .*swapped/),
    ofImages(
      'records',
      npyOf("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (3,), }", pixels(12)),
      /records with fields/,
    ),
    ofLabels('images as labels', images, /are they the images, and images and labels swapped/),
    ofLabels(
      'one-hot labels',
      npy(
        '<f4',
        '(12, 3)',
        float32(Array.from({ length: 36 }, (_, i) => Number(i % 3 === labelOf(Math.floor(i / 3))))),
      ),
      /labels\.argmax\(1\)$/,
    ),
    ofLabels('two labels each', npy('|u1', '(12, 2)', pixels(24)), /which are not one-hot/),
    ofLabels(
      'labels that are floats',
      npy('<f4', '(12,)', float32(labels(12))),
      /integers .*found <f4: labels\.astype\("uint8"\)$/,
    ),
    ofLabels(
      'labels in between',
      npy('<f4', '(12,)', float32(Array.from(labels(12), label => label + 0.5))),
      /not whole numbers/,
    ),
    ofLabels(
      'labels far from 0',
      npy('<i2', '(12,)', int16(Array.from(labels(12), label => 1000 + label))),
      /0 to 255, found 1000 at 0: .*np\.searchsorted\(np\.unique\(labels\), labels\) numbers the 3 different ones/,
    ),
    ofLabels('labels in words', npy('<U3', '(12,)', Buffer.alloc(144)), /found <U3: np\.searchsorted/),
    [
      'test labels far from 0',
      named(
        'x',
        ...pair,
        ['testImages', idxImages(3)],
        ['testLabels', npy('<i2', '(3,)', int16([-1, 0, 1]))],
      ),
      422,
      '$.testLabels',
      /np\.searchsorted\(np\.unique\(labels\), test_labels\)/,
    ],
    [
      'images along the last axis',
      named('x', ['images', npy('|u1', '(4, 4, 12)', pixels(192))], ['labels', idxLabels(12)]),
      422,
      '$.labels',
      /has images, 4; has 12: .*np\.moveaxis\(images, -1, 0\)/,
    ],
    ofImages('a PNG', begin('89504e470d0a1a0a'), /is a PNG.*np\.stack/),
    ofImages('a JPEG', begin('ffd8ffe0'), /is a JPEG/),
    ofImages('HDF5', begin('894844460d0a1a0a'), /is HDF5: .*h5py\.File\("images\.bin"\)/),
    ofImages('Parquet', begin('50415231'), /is Parquet: .*read_parquet/),
    ofImages('a pickle', begin('80027d71'), /is a pickle.*binary version.*d\[b"data"\]/),
    ofImages('a tar', tar('pictures/1.png'), /is a tar archive of pictures\/1\.png/),
    ofImages('a zip', npz({ 'a.png': pixels(9) }), /is a zip archive: unpack it/),
    ofImages('a .npz', archive, /is a \.npz.*npz=@/),
    ofImages(
      'a file of PyTorch',
      npz({ 'archive/data.pkl': pixels(9) }),
      /is a file of PyTorch: .*torch\.load/,
    ),
    ofImages('what is gzipped twice', gzipSync(gzipSync(images)), /is gzipped twice/),
    ofImages('xz', begin('fd377a585a00'), /compressed by xz: unpack it/),
    ofImages(
      'text',
      text('label,1x1,1x2,2x1,2x2\n1,0,0,0,255\n'),
      /is text.*delimiter=",", skiprows=1.*reshape\(len\(a\), 2, 2\)/,
    ),
    ofImages('a pointer of Git LFS', text('version https://git-lfs.github.com/spec/v1\n'), /git lfs pull/),
    ofImages('a page', text('<!DOCTYPE html><html>'), /page of HTML/),
    ofLabels('labels as text', text('3\n1\n2\n'), /np\.loadtxt\("labels\.bin", dtype="int64"\)/),
    [
      'CIFAR’s tar',
      just('train', gzipSync(tar('cifar-10-batches-bin/data_batch_1.bin'))),
      422,
      '$.train[0]',
      /tar xf.*data_batch_1\.bin to data_batch_5\.bin as train/,
    ],
    ['CIFAR’s pickle', just('train', begin('80027d71')), 422, '$.train[0]', /is a pickle/],
    [
      'IDX as CIFAR',
      just('train', idxImages(12)),
      422,
      '$.train[0]',
      /is an IDX or \.npy file.*as images or labels/,
    ],
    [
      'CIFAR-100 as CIFAR-10',
      just('train', cifar100(9)),
      422,
      '$.train[0]',
      /is CIFAR-100’s.*cifar100=fine \(100 classes\)/,
    ],
    [
      'CIFAR-10 as CIFAR-100',
      named('x', ['cifar100', 'fine'], ['train', cifar(9)]),
      422,
      '$.train[0]',
      /is CIFAR-10’s.*leave cifar100 out/,
    ],
    [
      'no labels of CIFAR-100',
      named('x', ['cifar100', 'medium']),
      422,
      '$.cifar100',
      /fine \(100 classes\) or coarse/,
    ],
    [
      'cifar100 beside images',
      named('x', ['cifar100', 'fine'], ...pair),
      422,
      '$.cifar100',
      /must be left out/,
    ],
    [
      'a layout that is none',
      named('x', ['layout', 'chw']),
      422,
      '$.layout',
      /nhwc \(channels last\) or nchw/,
    ],
    [
      'a layout after the files',
      named('x', ...pair, ['layout', 'nchw']),
      422,
      '$.layout',
      /before the files/,
    ],
    ['a layout of CIFAR', named('x', ['layout', 'nchw'], ['train', cifar(3)]), 422, '$.layout', /left out/],
    ['a .npz that is none', just('npz', images), 422, '$.npz', /expected a \.npz.*found 00000803/],
    ['a .npz cut short', just('npz', archive.subarray(0, 200)), 422, '$.npz', /damaged, cut short/],
    [
      'a .npz of unknown arrays',
      just('npz', more('names.npy', idxLabels(3))),
      422,
      '$.npz',
      /found "names\.npy": np\.savez/,
    ],
    [
      'a .npz of two',
      just('npz', more('images.npy', idxImages(3))),
      422,
      '$.npz',
      /holds x\.npy and images\.npy/,
    ],
    [
      'a .npz of wrong values',
      just('npz', npz({ 'x.npy': shorts(0, 300, 1, 2) })),
      422,
      '$.npz',
      /npz\.bin\/x\.npy: .*np\.interp/,
    ],
    [
      'a .npz without labels',
      just('npz', npz({ 'x.npy': images })),
      422,
      '$.labels',
      /is required beside npz/,
    ],
    [
      'a .npz beside labels',
      named('x', ['labels', idxLabels(12)], ['npz', archive]),
      422,
      '$.npz',
      /must not be beside|leave one of the two out/,
    ],
    [
      'a .npz that is a bomb',
      just('npz', npz({ 'x.npy': npy('|u1', '(12, 100, 100)', Buffer.alloc(120_000)) }, 6)),
      413,
      '$.npz',
      /x\.npy: with it the upload has more than 100000 bytes/,
    ],
    [
      'a .npz with more than its header says',
      just('npz', npz({ 'x.npy': npy('|u1', '(1, 2, 2)', Buffer.alloc(9_000)) }, 6)),
      422,
      '$.npz',
      /expected the end of the file/,
    ],
  ]
}
