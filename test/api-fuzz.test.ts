/** A short run of `npm run fuzz`, which draws a new seed every time: here one seed, so that a change is what fails it. */
import { test } from 'node:test'
import { fuzz } from './support/fuzz.ts'

test('hostile requests are refused without a fault, a leak or a trace', async t => {
  const seed = 221_772_608
  t.diagnostic(`seed ${seed}`)
  const { statuses } = await fuzz(seed, 600)
  t.diagnostic(JSON.stringify(statuses))
})
