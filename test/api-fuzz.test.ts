/** A short run of `npm run fuzz`, from a new seed every time. */
import { test } from 'node:test'
import { fuzz } from './support/fuzz.ts'

test('hostile requests are refused without a fault, a leak or a trace', async t => {
  const seed = Date.now() % 2 ** 32
  t.diagnostic(`seed ${seed}`)
  const { statuses } = await fuzz(seed, 600)
  t.diagnostic(JSON.stringify(statuses))
})
