/** How PostgreSQL's programs are run: in the data directory, as its owner. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { closedTo, type Owner } from './owner.ts'

/**
 * What to call the data directory when speaking to its server, which runs in it. Where root runs it as a user who cannot
 * get there (a clone in /root, a `mktemp -d`), the server is put into it before it becomes that user, and knows it by no
 * other name than the place where it is: that needs no right on what lies above. Throws where there is no such name.
 */
export function nameOf(data: string, owner: Owner | undefined): string {
  const closed = owner && closedTo(realpathSync(data), owner)
  if (closed === undefined) return data
  if (existsSync('/proc/self/cwd')) return '/proc/self/cwd'
  throw new Error(
    `PostgreSQL does not run as root, and user ${owner!.uid}, as whom it runs instead, cannot enter ${closed}: ` +
      'allow that (chmod o+x), run as an ordinary user, or set DATABASE_URL',
  )
}

/** `lock`: an open file that the program inherits. */
export type Running = { owner: Owner | undefined; data: string; output: number | 'pipe'; lock: number }

/** Starts a program in the data directory, as its owner. */
export function run(program: string, args: string[], { owner, data, output, lock }: Running): ChildProcess {
  // Nothing that is meant for another server. Messages in English whatever the user's locale: some are looked at.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|LC_)/.test(name)))
  return spawn(program, args, {
    ...owner,
    env: { ...env, LC_ALL: 'C' },
    cwd: data,
    stdio: ['ignore', output, output, lock],
  })
}
