/**
 * The ledger command against a real API, for files of tests of it. Importing it gives the process one API, a folder that
 * commands run in, and a process that runs one command after the other.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before } from 'node:test'
import { startApi, type TestApi } from './api.ts'
import { type Ran, residentCommands, runCommand } from './commands.ts'

export let api: TestApi
export let folder: string
export let url: string
/** Commands in the process that stays. Of its own environment are what `doctor` would look for long. */
export let resident: Awaited<ReturnType<typeof residentCommands>>

export const smallEngine = { LEDGER_ENGINE: 'wasm', LEDGER_THREADS: '1', CUDA_VISIBLE_DEVICES: '' }

before(async () => {
  api = await startApi()
  url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`
  folder = await mkdtemp(path.join(tmpdir(), 'loss-ledger-cli-'))
  resident = await residentCommands({ cwd: folder, env: { ...smallEngine, LEDGER_URL: url } })
})
after(async () => {
  await resident?.stop()
  await api?.close()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

/** Runs a command in a process of its own. */
export const spawned = (args: string[], input = '', env: Record<string, string> = {}): Promise<Ran> =>
  runCommand(args, { cwd: folder, env: { LEDGER_URL: url, ...env }, input })

const seen = new Set<string>()
/** Runs a command: the first of every name in a process of its own, all others in the one that stays. */
export function run(args: string[], input = ''): Promise<Ran> {
  const [name] = args
  if (seen.has(name)) return resident.run(args, input)
  seen.add(name)
  return spawned(args, input)
}

/** Runs a command that has to succeed; resolves to what it prints. */
export async function ok(args: string[], input?: string): Promise<string> {
  const { out, err, code } = await run(args, input)
  assert.equal(code, 0, err)
  return out
}
