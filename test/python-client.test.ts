/** The Python package: its own tests, run by pytest against a live API with a worker. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { pino } from 'pino'
import { startServer } from '../src/cli/serve.ts'
import { readConfig } from '../src/config.ts'
import { testDatabase } from './support/database.ts'
import { findPython, pythonSources } from './support/python.ts'

const python = findPython(['httpx', 'numpy', 'pytest'])

test('the tests of the Python package pass', { skip: 'missing' in python && python.missing }, async t => {
  const database = await testDatabase()
  const directory = await mkdtemp(path.join(tmpdir(), 'loss-ledger-python-'))
  // The worker reads the environment it inherits.
  Object.assign(process.env, { DATABASE_URL: database.url, LEDGER_DIR: directory, LOG_LEVEL: 'error' })
  const server = await startServer({ ...readConfig(), port: 0, workers: 1 }, pino({ level: 'error' }))
  t.after(async () => {
    await server.close()
    await database.close()
    await rm(directory, { recursive: true, force: true })
  })
  const { command } = python as { command: string }
  const env = {
    ...process.env,
    LEDGER_URL: server.url,
    PYTHONPATH: path.resolve(pythonSources),
    PYTHONDONTWRITEBYTECODE: '1',
    MPLBACKEND: 'agg',
  }
  const pytest = async (...args: string[]) => {
    const child = spawn(command, ['-m', 'pytest', '-rs', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const closed = once(child, 'close')
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    // What was skipped, for whoever reads the log.
    for (const line of out.split('\n')) if (line.startsWith('SKIPPED')) t.diagnostic(line)
    assert.equal(code, 0, `${out}\n${err}`)
  }
  // What waits for runs of its own, beside the rest: the worker computes while figures are drawn.
  const apart = 'clients/python/tests/test_documents.py'
  await Promise.all([pytest(apart), pytest('clients/python/tests', `--ignore=${apart}`)])
})
