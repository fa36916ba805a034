/**
 * `npm run fuzz [-- count [seed]]`: 10,000 hostile requests, or as many as are asked for, and some that are made to be slow;
 * the seed is printed, and how long the event loop was kept.
 */
import { fuzz } from './fuzz.ts'
import { slow } from './slow.ts'

const count = Number(process.argv[2] ?? 10_000)
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 32)
console.log(`fuzz: ${count} requests, seed ${seed}`)
const start = performance.now()
const { sent, statuses } = await fuzz(seed, count)
const seconds = (performance.now() - start) / 1000
console.log(`${sent} requests in ${seconds.toFixed(1)} s, none wrong; answers by status:`, statuses)

// Each of these takes a hundred times as long.
const few = Math.ceil(count / 25)
const { statuses: answers, worst } = await slow(seed, few, true)
console.log(`${few} requests made to be slow; answers by status:`, answers)
console.log('the longest that one kept the event loop, and was answered in (ms):')
for (const { name, kept, answered } of worst.slice(0, 10))
  console.log(`${kept.toFixed(0).padStart(8)} ${answered.toFixed(0).padStart(8)}  ${name}`)
