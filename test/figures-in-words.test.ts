/** What figures say in words, and what is drawn of sums that cross zero. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counted, shareOf } from '../src/figures/numbers.ts'
import { crossed, stacked } from '../src/figures/stacks.ts'
import { ledgerFigure } from '../src/figures/svg/ledger-figure.ts'
import { mostOf } from '../src/web/figures/series.ts'
import { countsOver } from '../src/web/grouped.ts'

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
