/** A disk that is full: nothing half written is left, attempts are repeated, and with room again the work goes on. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { readConfig } from '../src/config.ts'
import { openObjects } from '../src/objects/open.ts'
import { openQueue } from '../src/queue/queue.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { startWorker } from '../workers/worker.ts'
import { testDatabase } from './support/database.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'

const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-full-'))
const small = join(directory, 'objects')
mkdirSync(small)
// A disk of two megabytes, where this process may make one.
const skip: string | false = (() => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'loss-ledger-test', small], { stdio: 'ignore' })
    return false
  } catch {
    return 'a small disk cannot be mounted here (it takes root on Linux)'
  }
})()
after(() => {
  if (skip === false) execFileSync('umount', [small])
  rmSync(directory, { recursive: true, force: true })
})
const ballast = join(small, 'ballast')
function fill(): void {
  for (let size = 2 ** 20; size >= 1; size /= 2) {
    try {
      for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // Full, as far as pieces of this size go.
    }
  }
}

test('a write that finds no room says so and leaves nothing', { skip }, async () => {
  const objects = await openObjects({ objectsDir: small })
  const writer = await objects.write('large', 'text/plain')
  await assert.rejects(
    async () => {
      for (let i = 0; i < 40; i++) await writer.append(Buffer.alloc(2 ** 17))
      await writer.commit()
    },
    { code: 'ENOSPC' },
  )
  await writer.abort()
  assert.deepEqual(readdirSync(join(small, '.incoming')), [])
  assert.equal(await objects.stat('large'), undefined)
})

test('an experiment waits out a full disk', { skip }, async t => {
  const database = await testDatabase()
  const config = readConfig({ LEDGER_DIR: directory })
  const queue = await openQueue(config, database.url, database.db)
  process.env.FAKE_PLAN = '{}'
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  const computeEntry = fileURLToPath(new URL('./support/fake-compute.js', import.meta.url))
  fill()
  const worker = await startWorker({ config, databaseUrl: database.url, log, computeEntry })
  t.after(async () => {
    await worker.stop()
    await queue.close()
    await database.close()
  })
  const id = randomUUID()
  await createExperiment(database.db, { id, spec: asStored(fakeSpec(4, 2, ['weights', 'allocations'])) })
  await queue.submit(id)
  const until = async (what: string, condition: () => Promise<boolean> | boolean) => {
    for (const deadline = Date.now() + 15_000; !(await condition()); await sleep(20))
      if (Date.now() > deadline) assert.fail(`not in 15 s: ${what}; ${lines.join('')}`)
  }
  await until('an attempt fails for the disk', () => lines.some(line => line.includes('ENOSPC')))
  rmSync(ballast)
  await until('it succeeds', async () => {
    const found = await database.db.prisma.experiment.findUniqueOrThrow({ where: { id } })
    return found.status === 'succeeded'
  })
})
