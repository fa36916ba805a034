/** Processes whose parent is killed end, at whatever moment that was; what a worker had in hand is for the next one. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isRunning, markOf } from '../src/postgres/processes.ts'
import { computesOf } from './support/child-processes.ts'
import { testDatabase } from './support/database.ts'

/** A database and a folder of the test's own, and the environment of processes that use them. */
async function temporaryLedger(t: TestContext, logLevel: 'info' | 'silent') {
  const database = await testDatabase()
  const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-orphan-'))
  t.after(async () => {
    await database.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const env = {
    ...process.env,
    ...{ DATABASE_URL: database.url, LEDGER_DIR: directory, LEDGER_ENGINE: 'wasm', LOG_LEVEL: logLevel },
  }
  return { directory, env }
}

test('kill -9 of the process that started a worker ends the worker and its compute child', {
  skip: process.platform === 'linux' ? false : 'finds processes in /proc',
}, async t => {
  const { env } = await temporaryLedger(t, 'info')
  const parent = fork(fileURLToPath(new URL('support/worker-parent.js', import.meta.url)), [], { env })
  const [pid] = (await once(parent, 'message')) as [number]
  const until = async (what: string, condition: () => boolean) => {
    for (const deadline = Date.now() + 15_000; !condition(); await sleep(20)) {
      if (Date.now() > deadline) assert.fail(`not in 15 s: ${what}`)
    }
  }
  await until('the worker has a compute child', () => computesOf(pid).length > 0)
  const both = [pid, ...computesOf(pid)].map(process => markOf(process)!)
  parent.kill('SIGKILL')
  await until('both have ended', () => !both.some(isRunning))
})

test('a child whose parent was gone before it listened ends by itself', async t => {
  const { directory, env } = await temporaryLedger(t, 'silent')
  const setup = { directory, parent: markOf(process.pid), patience: { first: 1, longest: 1, tries: 1 } }
  const children = [
    ['../src/postgres/guard.js', JSON.stringify(setup)],
    ['../workers/main.js'],
    ['../workers/main.js', '--workers', '1'],
    ['../workers/compute.js'],
  ]
  await Promise.all(
    children.map(async ([entry, ...args]) => {
      const path = fileURLToPath(new URL(entry, import.meta.url))
      const child = fork(path, args, { env, stdio: 'ignore', detached: true, serialization: 'advanced' })
      const exit = once(child, 'exit', { signal: AbortSignal.timeout(20_000) })
      // What the end of this process would do, before the child has read its first line.
      child.disconnect()
      const ended = await exit.catch(() => undefined)
      if (ended === undefined) process.kill(child.pid!, 'SIGKILL')
      assert.deepEqual(ended, [0, null], `${entry} ${args}`)
    }),
  )
  assert.deepEqual(
    readdirSync(directory).filter(name => name.startsWith('cluster')),
    [],
  )
})
