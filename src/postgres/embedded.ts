/**
 * The embedded PostgreSQL: the real server, under a directory of ours, for as long as this process runs. A guard process
 * (guard.ts) looks after it, so that not even a kill -9 of this one leaves it behind.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../children.ts'
import type { Log } from '../log.ts'
import { layout } from './cluster.ts'
import type { GuardMessage, GuardRequest, GuardSetup } from './guard.ts'
import { lockHolder } from './lock.ts'
import { isPostgresOf, markOf } from './processes.ts'
import { readPostmaster, serverUrl, stopPostgres } from './server.ts'

export type EmbeddedPostgres = {
  /** Of the database `postgres`, as its superuser, on 127.0.0.1; the password is in it. */
  url: string
  /** Stops the server cleanly; resolves when it and its guard have ended. Calling it again waits for the same. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on a directory, which is made if missing, and resolves when it accepts connections. Rejects with an
 * error that says who where another process uses the directory, and with the server's own words where it does not
 * start. One that ended by itself is started again, after `pauses` (milliseconds) that grow while it does not start. The
 * server does not keep this process alive, and stops when this process ends in any way.
 */
export async function startEmbeddedPostgres(
  directory: string,
  log: Log,
  pauses = { first: 200, longest: 30_000 },
): Promise<EmbeddedPostgres> {
  const home = resolve(directory)
  makeWritable(home)
  const began = performance.now()
  const setup: GuardSetup = { directory: home, parent: markOf(process.pid)!, pauses }
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const guard = fork(
    fileURLToPath(new URL(`./guard.${extension}`, import.meta.url)),
    [JSON.stringify(setup)],
    {
      // In a session of its own: a Ctrl-C in the terminal is for this process, which then stops the guard in its own time.
      detached: true,
      execArgv: [],
      env: childEnvironment(),
      cwd: home,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    },
  )
  guard.on('message', (message: GuardMessage) => {
    if (message.type === 'unlocked')
      log.warn(
        { reason: message.reason },
        `no lock can be held in ${home}: a second server on it, started in another container or on another machine, would not be noticed`,
      )
  })
  const ready = await firstWord(guard)
  let pid = ready.pid
  let stopping: Promise<void> | undefined
  log.info({ port: ready.port, milliseconds: Math.round(performance.now() - began) }, 'PostgreSQL runs')

  guard.on('message', (message: GuardMessage) => {
    if (message.type === 'ready') {
      pid = message.pid
      log.warn({ port: message.port }, 'PostgreSQL runs again')
    } else if (message.type === 'restarting') {
      log.error({ reason: message.reason }, 'PostgreSQL ended by itself and is started again')
    } else if (message.type === 'waiting') {
      log.error(
        { reason: message.reason, pause: message.pause },
        'PostgreSQL does not start again: it is tried again after the pause',
      )
    } else if (message.type === 'failed') {
      log.fatal({ reason: message.message }, 'the guard of PostgreSQL gave up')
    }
  })
  guard.once('exit', (code, signal) => {
    if (stopping === undefined) log.error({ code, signal }, 'the guard of PostgreSQL ended by itself')
  })
  // The server should not be what keeps a process alive that has nothing left to do.
  guard.unref()
  guard.channel?.unref()

  const stop = async () => {
    guard.ref()
    guard.channel?.ref()
    if (guard.exitCode === null && guard.signalCode === null) {
      const ended = once(guard, 'exit')
      const request: GuardRequest = { type: 'stop' }
      guard.send(request, () => {})
      await ended
    }
    // Only where the guard was killed is there anything left to stop.
    await stopPostgres(pid, layout(home).data)
    log.info('PostgreSQL stopped')
  }
  return {
    url: serverUrl(home, ready.port),
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

function makeWritable(home: string): void {
  try {
    mkdirSync(home, { recursive: true })
    accessSync(home, constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const found = statSync(home, { throwIfNoEntry: false })
    throw new Error(
      found === undefined || code === 'EROFS'
        ? `${home} cannot be ${found === undefined ? 'made' : 'written to'}: set LEDGER_DIR to a folder that can`
        : `${home} belongs to user ${found.uid}, and you may not write to it: run as that user, or set LEDGER_DIR`,
    )
  }
}

/** The URL of the server that another process runs on the directory; undefined where none runs. */
export function findEmbeddedPostgres(directory: string): string | undefined {
  const home = resolve(directory)
  if (lockHolder(home) === undefined) return undefined
  const { data } = layout(home)
  const found = readPostmaster(data)
  // One that was killed has left its file.
  return found?.ready && isPostgresOf(found.pid, data) ? serverUrl(home, found.port) : undefined
}

/** Waits for the guard to say that the server is ready; throws what it says otherwise. */
function firstWord(guard: ChildProcess): Promise<{ port: number; pid: number }> {
  return new Promise((ready, reject) => {
    const hear = (message: GuardMessage) => {
      if (message.type === 'unlocked') return
      guard.off('message', hear)
      if (message.type === 'ready') ready(message)
      else reject(new Error(message.type === 'failed' ? message.message : message.reason))
    }
    guard.on('message', hear)
    guard.once('error', reject)
    guard.once('exit', (code, signal) => {
      reject(new Error(`the guard of PostgreSQL ended with ${signal ?? `code ${code}`}`))
    })
  })
}
