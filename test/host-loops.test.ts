/** The loops over the host's vectors are the same in C++ as in JavaScript, to the bit. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { defaultEngine, hostLoopsPath } from '../src/engine/binding.ts'
import { type HostLoops, portableLoops } from '../src/host-loops.ts'
import { randomStream } from '../src/nn/random.ts'

const skip = defaultEngine() === 'wasm' && 'native TensorFlow is not built here'
const native = skip ? portableLoops : (createRequire(import.meta.url)(hostLoopsPath()) as HostLoops)

/** Of several blocks and a rest, of any sign and size, and some 0 and −0. */
const length = 200_003
const stream = randomStream('host loops')
const special = [0, -0, 1e-40, -1e30]
const value = () => (stream.integer(9) === 0 ? special[stream.integer(4)] : stream.normal())
const doubles = () => Float64Array.from({ length }, value)
const floats = () => Float32Array.from({ length }, value)
const [a, b, c] = [doubles(), doubles(), doubles()]
const [x, y] = [floats(), floats()]
const [offset, size] = [1001, 180_000]

/** What each loop writes, and what it returns, if anything. */
const cases: Record<string, (loops: HostLoops) => unknown[]> = {
  combine: ({ combine }) => {
    const into = [a.slice(), doubles().fill(0), floats().fill(0), doubles().fill(0), floats().fill(0)]
    combine(into[0], 1, into[0], 1 / 3, b)
    combine(into[1], 1, x, -1, y)
    combine(into[2], 1, x, 0.7, a)
    combine(into[3], 1 / 45, a, -20 / 45, b, 64 / 45, c)
    combine(into[4], 0.3, x, 0.1, a, 0.2, y)
    return into
  },
  allocate: ({ allocate }) => {
    const lca = floats().fill(0)
    return [allocate(lca, a, b), lca]
  },
  sums: ({ sums }) => found(6, into => sums(x, a, offset, size, into)),
  slopes: ({ slopes }) => found(5, into => slopes(x, a, b, c, offset, size, into)),
  compare: ({ compare }) => found(5, into => compare(a, b, offset, size, into)),
  compareUpdates: ({ compareUpdates }) => found(5, into => compareUpdates(x, y, c, offset, size, into)),
  compareSigns: ({ compareSigns }) => found(5, into => compareSigns(x, y, offset, size, into)),
  addUnits: ({ addUnits }) => {
    const all = Array.from({ length: 4 }, () => new Float64Array(70))
    addUnits(x, offset, size, 3, 1, 67, all[0], all[1])
    addUnits(x, offset, size, 0, 7, 12, all[2], all[3])
    return all
  },
}
function found(count: number, loop: (into: Float64Array) => void) {
  const into = new Float64Array(count)
  loop(into)
  assert.ok(into.some(value => value !== 0))
  return [into]
}

for (const [name, run] of Object.entries(cases))
  test(`${name}: the same bits`, { skip }, () => assert.deepStrictEqual(run(native), run(portableLoops)))

test('sums by sign are those of a loop that looks at each sign', () => {
  const [sums] = cases.sums(portableLoops) as [Float64Array]
  const expected = new Float64Array(6)
  for (let i = offset; i < offset + size; i++) {
    expected[x[i] < 0 ? 0 : 1] += x[i]
    expected[2] += x[i] * x[i]
    expected[3] += a[i] * a[i]
    if (x[i] < 0) expected[4]++
    if (x[i] > 0) expected[5]++
  }
  assert.deepEqual(sums, expected)
})

test('native loops refuse what lies beyond a vector, or is of another type', { skip }, () => {
  const into = new Float64Array(6)
  const wrong: (() => unknown)[] = [
    () => native.sums(x, a, 4, length - 3, into),
    () => native.sums(x, a, -1, 3, into),
    () => native.sums(x, a, 0, 3, new Float64Array(5)),
    () => native.sums(a as unknown as Float32Array, a, 0, 3, into),
    () => native.addUnits(x, 0, length, 0, 1, 7, into, into),
    () => native.combine(into, 1, a, 2, [] as unknown as Float64Array),
    () => (native.combine as (...args: unknown[]) => void)(),
  ]
  for (const call of wrong) assert.throws(call, TypeError)
})
