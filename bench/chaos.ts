/**
 * `npm run chaos`: every combination of queue and object store, everything killed that can be. Options: --seed N,
 * --seconds N (of killing, each), --workers N, --only postgres|redis|s3.
 */
import { type ChaosReport, runChaos } from '../test/chaos/chaos.ts'
import { noRedis } from '../test/support/redis.ts'
import { namesIn, optionsOf } from './options.ts'

const values = optionsOf(import.meta.url, {
  seed: Date.now() % 1_000_000,
  seconds: 60,
  workers: 3,
  only: 'postgres,redis,s3',
})
const scenarios = [
  { name: 'postgres', queue: 'postgres', objects: 'folder', skip: false },
  { name: 'redis', queue: 'redis', objects: 'folder', skip: noRedis },
  { name: 's3', queue: 'postgres', objects: 's3', skip: false },
] as const

console.log(`seed ${values.seed}, ${values.seconds} s of killing each, ${values.workers} workers`)
const only = namesIn(values.only, 'only', ['postgres', 'redis', 's3'])
let wrong = false
for (const { name, queue, objects, skip } of scenarios) {
  if (!only.includes(name)) continue
  if (skip !== false) {
    console.log(`\n${name}: skipped, ${skip}`)
    continue
  }
  console.log(`\nqueue on ${queue}, objects in ${objects}`)
  const report = await runChaos(
    {
      ...{ queue, objects, workers: values.workers, seed: values.seed },
      ...{
        seconds: values.seconds,
        patience: 240,
        experiments: 6,
        iterations: 40,
        pause: [100, 1500],
      },
    },
    line => console.log(`  ${line}`),
  )
  show(report)
  const { lost, extra, different } = report.difference
  wrong ||= lost + extra + different + report.leftovers.length > 0
}
process.exitCode = wrong ? 1 : 0

function show({ experiments, kills, phases, retries, difference, leftovers }: ChaosReport): void {
  const { lost, extra, different, notes } = difference
  const killed = Object.values(kills).reduce((sum, count) => sum + count, 0)
  console.log(
    `  ${experiments} experiments, ${killed} kills while ${JSON.stringify(phases)}, ${retries} retries`,
  )
  console.log(`  rows and objects: ${lost} lost, ${extra} doubled, ${different} different`)
  console.log(`  bit-identical: ${lost + extra + different === 0 ? 'yes' : 'no'}`)
  for (const note of [...notes, ...leftovers.map(name => `left over: ${name}`)]) console.log(`  ${note}`)
}
