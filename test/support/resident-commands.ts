/**
 * The command line, one command after the other in one process (test/support/commands.ts has its other end): what a command
 * prints and how it ends, without the start of a process for each. Every command is main.ts read anew, with what it imports
 * kept.
 */
import { Readable } from 'node:stream'

export type Asked = { args: string[]; input: string }
export type Answered = { out: string; err: string; code: number }

class Exited extends Error {}

process.exit = code => {
  process.exitCode = code
  throw new Exited()
}

process.on('message', async ({ args, input }: Asked) => {
  const written = { stdout: '', stderr: '' }
  const original = { stdout: process.stdout.write, stderr: process.stderr.write }
  for (const name of ['stdout', 'stderr'] as const)
    process[name].write = ((text: string) => {
      written[name] += text
      return true
    }) as typeof process.stdout.write
  process.argv = [process.argv[0], 'ledger', ...args]
  Object.defineProperty(process, 'stdin', { value: Readable.from([input]), configurable: true })
  process.exitCode = 0
  count += 1
  try {
    await import(`../../src/cli/main.js?${count}`)
  } catch (error) {
    if (!(error instanceof Exited)) {
      written.stderr += String(error)
      process.exitCode = 1
    }
  }
  Object.assign(process.stdout, { write: original.stdout }).removeAllListeners('error')
  Object.assign(process.stderr, { write: original.stderr }).removeAllListeners('error')
  const answer: Answered = { out: written.stdout, err: written.stderr, code: Number(process.exitCode) }
  process.exitCode = 0
  process.send!(answer)
})
let count = 0
process.send!('ready')
