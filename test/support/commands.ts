/** The command line as tests call it: each command in a process of its own, or all in one that stays. */
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Answered, Asked } from './resident-commands.ts'

export type Ran = { out: string; err: string; code: number | null }

export const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

/** Runs a command as users do: in a process, which has to end by itself. */
export async function runCommand(
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; input?: string },
): Promise<Ran> {
  const { cwd, env, input = '' } = options
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env }, cwd })
  child.stdin.end(input)
  const code = new Promise<number | null>(resolve => child.once('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { out, err, code: await code }
}

/**
 * A process that runs one command after the other, for tests of many: most of what a command takes is its start. What it
 * cannot show are commands that do not end, or whose last words are lost when they do: run each in a process as well.
 */
export async function residentCommands(options: { cwd: string; env: NodeJS.ProcessEnv }) {
  const entry = fileURLToPath(new URL('./resident-commands.js', import.meta.url))
  const child = fork(entry, { cwd: options.cwd, env: { ...process.env, ...options.env } })
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process of the commands has ended: ${signal ?? code}`)
  })
  // Whoever waits for an answer is told.
  gone.catch(() => {})
  const message = () => Promise.race([once(child, 'message'), gone])
  await message()
  let last: Promise<unknown> = Promise.resolve()
  return {
    /** Resolves when the command has ended, and those that were asked for before. */
    run(args: string[], input = ''): Promise<Ran> {
      const next = last.then(async () => {
        child.send({ args, input } satisfies Asked)
        const [answer] = (await message()) as [Answered]
        return answer
      })
      last = next
      return next
    },
    stop: async () => {
      if (child.connected) child.disconnect()
      await gone.catch(() => {})
    },
  }
}
