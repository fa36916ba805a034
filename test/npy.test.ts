/** .npy headers, byte for byte as numpy writes and reads them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { npyHeader, npyHeaderBytes, parseNpyHeader } from '../src/objects/npy.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

test('a header is what numpy writes: magic, version 1.0, length, dictionary, padding to a multiple of 64 bytes', () => {
  const expected =
    '\x93NUMPY\x01\x00\x76\x00' +
    "{'descr': '<f4', 'fortran_order': False, 'shape': (51, 84060), }".padEnd(117) +
    '\n'
  assert.equal(text(npyHeader('float32', [51, 84060])), expected)
  assert.equal(expected.length % 64, 0)
})

test('headers of every type and shape have one length and read back as what they were', () => {
  for (const dtype of ['float32', 'float64', 'int32', 'uint8'] as const) {
    for (const shape of [[], [0], [7], [3, 4], [1, 2, 3, 4], [4_294_967_296, 123_456_789]]) {
      const header = npyHeader(dtype, shape)
      assert.equal(header.length, npyHeaderBytes)
      assert.deepEqual(parseNpyHeader(header), { dtype, shape, offset: header.length })
    }
  }
  assert.throws(() => npyHeader('float32', new Array(30).fill(123_456_789)), RangeError)
})

test('a tuple of one has its comma', () => {
  assert.match(text(npyHeader('int32', [5])), /'shape': \(5,\), /)
})

test('what is not one of these files is refused', () => {
  assert.throws(() => parseNpyHeader(Buffer.from('PK\x03\x04 something else')), /not a .npy file/)
  assert.throws(() => parseNpyHeader(npyHeader('float32', [2]).subarray(0, 40)), /40 were given/)
  const like = (was: string, is: string) =>
    Buffer.from(text(npyHeader('float32', [2])).replace(was, is), 'latin1')
  assert.throws(() => parseNpyHeader(like('<f4', '>f4')), /type >f4/)
  assert.throws(() => parseNpyHeader(like('False', 'True ')), /C order/)
})
