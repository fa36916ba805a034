/** ledger worker: a worker on the list of those that live, until it is told to stop. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { end, isAlive, startNode } from './support/child-processes.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

describe('ledger worker', () => {
  let database: TestDatabase
  let directory: string
  before(async () => {
    database = await testDatabase()
    directory = mkdtempSync(join(tmpdir(), 'loss-ledger-cli-worker-'))
  })
  after(async () => {
    await database.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const start = (name: string, args: string[]) => {
    const file = join(directory, name)
    const env = {
      DATABASE_URL: database.url,
      LEDGER_DIR: directory,
      LEDGER_ENGINE: 'wasm',
      LOG_LEVEL: 'info',
      NODE_OPTIONS: '--inspect=127.0.0.1:0',
    }
    const child = startNode('src/cli/main.js', ['worker', ...args], env, file)
    return { child, log: () => readFileSync(file, 'utf8') }
  }

  for (const args of [[], ['--workers', '1']])
    test(`${['worker', ...args].join(' ')} takes jobs, and ends in order on SIGTERM`, async t => {
      const { child, log } = start(`log-${args.length}`, args)
      t.after(() => end(child, 'SIGKILL'))
      for (const deadline = Date.now() + 120_000; !log().includes('the worker takes jobs'); await sleep(50))
        assert.ok(isAlive(child) && Date.now() < deadline, log())
      assert.equal(await database.db.prisma.worker.count(), 1)
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      assert.deepEqual(await ended, [0, null], log())
      // Its port is of one process: no child has been told to listen there.
      assert.equal(log().match(/Debugger listening/g)?.length, 1)
      assert.equal(await database.db.prisma.worker.count(), 0)
    })

  test('wrong options are wrong usage, told in a line', async () => {
    for (const [args, says] of [
      [['--workers', '0'], /\n {2}--workers must be a whole number from 1 to 999, not 0\n$/],
      [
        ['--devices', 'first'],
        /\n {2}--devices must be all, or CUDA devices with commas between, like 0,1; not first\n$/,
      ],
      [['--wrong'], /^error: unknown option '--wrong'/],
    ] as const) {
      const { child, log } = start(`log${args[0]}`, [...args])
      assert.deepEqual(await once(child, 'exit'), [2, null], log())
      assert.match(log().replace(/^(Debugger|For help).*\n/gm, ''), says)
    }
  })
})
