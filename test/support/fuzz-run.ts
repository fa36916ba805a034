/** `npm run fuzz [-- count [seed]]`: 10,000 hostile requests, or as many as are asked for; the seed is printed. */
import { fuzz } from './fuzz.ts'

const count = Number(process.argv[2] ?? 10_000)
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 32)
console.log(`fuzz: ${count} requests, seed ${seed}`)
const start = performance.now()
const { sent, statuses } = await fuzz(seed, count)
const seconds = (performance.now() - start) / 1000
console.log(`${sent} requests in ${seconds.toFixed(1)} s, none wrong; answers by status:`, statuses)
