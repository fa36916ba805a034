/** What figures say in words, and what is drawn of sums that cross zero. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figure } from '../src/cli/format.ts'
import { counted, shareOf, short } from '../src/figures/numbers.ts'
import { crossed, stacked } from '../src/figures/stacks.ts'
import { ledgerFigure } from '../src/figures/svg/ledger-figure.ts'
import { inDigits } from '../src/lca/words.ts'
import { labelsOf, powersOf } from '../src/web/figures/axes.ts'
import { linear, logarithmic, rounded } from '../src/web/figures/scales.ts'
import { mostOf, residualsInWords } from '../src/web/figures/series.ts'
import { number, percent, shorten } from '../src/web/format.ts'
import { countsOver } from '../src/web/grouped.ts'
import { endsInWords } from '../src/web/pages/overlay/measures.ts'

test('one of anything is one thing', () => {
  assert.deepEqual(
    [0, 1, 2, 12_345].map(count => counted(count, 'cell')),
    ['0 cells', '1 cell', '2 cells', '12,345 cells'],
  )
  assert.equal(counted(3, 'class', 'classes'), '3 classes')
})

test('a share is one up to the whole, and so many times the whole beyond', () => {
  assert.deepEqual(
    [0.623, 1, 1.0004, -0.021, -0.0004, 8.1, -7.24, 810, 1.2e9].map(share => shareOf(share)),
    [...['62.3 %', '100.0 %', '100.0 %', '−2.1 %', '0.0 %', '8.1 ×', '−7.2 ×', '810 ×', '1.2e9 ×']],
  )
  assert.equal(shareOf(null), '–')
})

test('a number has the same digits and the same minus sign wherever it is read, and commas in the pages', () => {
  for (const [value, words] of [
    [-2060.7, '−2061'],
    [-6.914e25, '−6.91e25'],
    [-3.125e-5, '−3.13e−5'],
    [0.60653, '0.6065'],
  ] as const)
    assert.deepEqual([inDigits(value), number(value).replace(',', ''), figure(value)], [words, words, words])
  assert.deepEqual(
    [-12_345, 93_137.4, -2060.7, 0.0001234, 999.96].map(value => number(value)),
    ['−12,345', '93,140', '−2,061', '0.0001234', '1,000'],
  )
  assert.deepEqual([short(-0.5, 2), percent(-0.021)], ['−0.50', '−2.1 %'])
  assert.equal(
    shorten('learning rates of the first layer, 0.01, seed 2', 30),
    'learning rates …, 0.01, seed 2',
  )
})

test('residuals are counted as the books are judged, and the rest is said', () => {
  const rows = { residual: [5, 0.5, -0.0001, 2], loss: [1e6, 1e6, 1, 1], lossAfter: [1, 1, 1, 1] }
  assert.equal(
    residualsInWords('train', rows, 0.001),
    'On train the largest residual shown is 5, 2 of 4 above maxError; 1 more by no more than float32 can tell of so large a loss.',
  )
  assert.match(residualsInWords('train', rows, 5), / is 5, none above maxError\.$/)
})

test('of curves an odd number has one in the middle, an even one two, and two have none', () => {
  assert.equal(endsInWords(['a']), 'ends with a')
  assert.equal(endsInWords(['a', 'b']), 'ends between a and b')
  assert.equal(endsInWords(['a', 'b', 'c']), 'ends between a and c; the middle one is b')
  assert.equal(endsInWords(['a', 'b', 'c', 'd']), 'ends between a and d; the two in the middle are b and c')
})

test('a logarithmic axis has as many lines as there is room for, at powers that a zoom does not move', () => {
  assert.deepEqual(powersOf(0.0005, 7e25, 6), [1, 1e5, 1e10, 1e15, 1e20, 1e25])
  assert.deepEqual(powersOf(0.2, 5e23, 6), [1, 1e4, 1e8, 1e12, 1e16, 1e20])
  assert.deepEqual(powersOf(0.001, 0.03, 6), [0.001, 0.002, 0.005, 0.01, 0.02])
  assert.deepEqual(powersOf(0.0001, 1, 6), [0.0001, 0.001, 0.01, 0.1, 1])
  // Of 10²⁵ what rounding leaves of zero is nothing.
  assert.deepEqual(labelsOf([-2e25, -1e25, 1.3e10], false), ['−2.0e25', '−1.0e25', '0'])
  assert.deepEqual(labelsOf([2.375, 2.4, 2.425], false), ['2.375', '2.4', '2.425'])
  assert.deepEqual(labelsOf([-0.5, 0, 0.1 + 0.2], false), ['−0.5', '0', '0.3'])
  assert.deepEqual(labelsOf([1.00002e-5, 1.00004e-5], false), ['1.00002e−5', '1.00004e−5'])
  assert.deepEqual(labelsOf([12_000, 12_500], false), ['12,000', '12,500'])
})

test('scales place values in proportion, or by their logarithms, and lines where they are round', () => {
  assert.deepEqual([0, 2.5, 10].map(linear([0, 10], [200, 100])), [200, 175, 100])
  assert.equal(linear([3, 3], [0, 100])(3), 50)
  assert.deepEqual(linear([0, 10], [0, 1]).ticks(5), [0, 2, 4, 6, 8, 10])
  const scale = logarithmic([1, 1e4], [0, 100])
  assert.deepEqual([1, 100, 1e4].map(scale), [0, 50, 100])
  assert.deepEqual(scale.ticks(3), [1, 100, 1e4])
  assert.deepEqual(
    [rounded([-0.37, 1.92], 5), rounded([0, 0], 5)],
    [
      [-0.5, 2],
      [0, 0],
    ],
  )
})

test('what did most is told as a part of what went the same way, which is never more than all of it', () => {
  assert.equal(mostOf(['fc_1', 'fc_2'], [-3, -1]), 'Most of it by fc_1: −3 (75 %).')
  assert.equal(mostOf(['fc_1', 'fc_2'], [0.5, 0]), 'Most of it by fc_1: +0.5 (100 %).')
  // −16.54 of −2.04 in all were 810 %.
  assert.equal(
    mostOf(['batch gradient', 'momentum', 'L2'], [-16.54, 15, -0.5]),
    'What lowered it is −17.04, most of that by batch gradient: −16.54 (97 %); what raised it is +15, most of that by momentum: +15 (100 %).',
  )
  assert.equal(
    mostOf(['a', 'b', 'c'], [-1, 3, 1]),
    'What raised it is +4, most of that by b: +3 (75 %); what lowered it is −1, most of that by a: −1 (100 %).',
  )
  assert.equal(mostOf(['a'], [0]), '')
})

test('a band that changes its sign is drawn through zero, and no other has a gap beside it', () => {
  const { times, rows } = crossed([0, 10, 20], [Float64Array.of(0, -1, 3), Float64Array.of(0, -2, -2)])
  assert.deepEqual(times, [0, 10, 12.5, 12.5, 20])
  assert.deepEqual(
    rows.map(row => Array.from(row)),
    [
      [0, -1, -0, 0, 3],
      [0, -2, -2, -2, -2],
    ],
  )
  const { bands, extent } = stacked(rows)
  // Everywhere the second lies on what the first has below zero.
  assert.deepEqual(Array.from(bands[1].from), [0, -1, 0, 0, 0])
  assert.deepEqual(extent, [-3, 3])
  // And what crosses on top of another leaves it from its edge, and comes up from zero, with no gap in between.
  const upper = stacked(crossed([0, 1], [Float64Array.of(-1, -1), Float64Array.of(-1, 1)]).rows).bands[1]
  assert.deepEqual(
    Array.from(upper.from, (from, i) => [from + 0, upper.to[i] + 0]),
    [
      [-1, -2],
      [-1, -1],
      [0, 0],
      [0, 1],
    ],
  )
  // Two that cross between the same times, each at its own.
  assert.deepEqual(
    crossed([0, 1], [Float64Array.of(1, -1), Float64Array.of(-1, 3)]).times,
    [0, 0.25, 0.25, 0.5, 0.5, 1],
  )
  const none = [Float64Array.of(0, -1)]
  assert.equal(crossed([0, 1], none).rows, none)
  // So is the figure of reports: a corner where the sum of fc_1 is zero, at (80 + 640 · 1.25 / 2).
  const svg = ledgerFigure('t', { about: '' } as never, {
    ...{ layers: ['fc_1', 'fc_2'], starts: [0, 10], ends: [10, 20] },
    lca: [
      [-1, 4],
      [-2, 0],
    ],
  })
  const [areas] = [...svg.matchAll(/<path d="([^"]*)"[^>]*fill-opacity="0.88"/g)].map(
    ([, d]) => d.split('L').length,
  )
  assert.equal(areas, 2 * 5)
})

test('how many runs are behind a mean is told from where it changes', () => {
  const axis = { length: 10, count: 5, end: 50 }
  assert.equal(
    countsOver([3, 3, 2, 2, 1], axis),
    '3 from iteration 0, 2 from iteration 20, 1 from iteration 40 on',
  )
  const many = { length: 1, count: 10, end: 10 }
  assert.match(
    countsOver([1, 2, 1, 2, 1, 2, 1, 2, 1, 3], many),
    /^1 from iteration 0, .*2 from iteration 5, then it changes 4 times more, between 1 and 3$/,
  )
})
