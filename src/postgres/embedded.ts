/**
 * The embedded PostgreSQL: the real server, under a directory of ours, for as long as this process runs. A guard process
 * (guard.ts) looks after it, so that not even a kill -9 of this one leaves it behind.
 */
import { fork } from 'node:child_process'
import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../children.ts'
import { makeFolder } from '../folders.ts'
import type { Log } from '../log.ts'
import { ServiceError } from '../service-error.ts'
import { layout } from './cluster.ts'
import type { GuardMessage, GuardRequest, GuardSetup } from './guard.ts'
import { leftBy, lockHolder } from './lock.ts'
import { countTries, type Patience, patience } from './patience.ts'
import { isPostgresOf, markOf } from './processes.ts'
import { readPostmaster, serverUrl, stopOrphan } from './server.ts'

export type EmbeddedPostgres = {
  /** Of the database `postgres`, as its superuser, on 127.0.0.1; the password is in it. */
  url: string
  /** Resolves when the server is gone and cannot be started again, to why and what to do. Never rejects. */
  broken: Promise<Error>
  /** Stops the server cleanly; resolves when it and its guard have ended. Calling it again waits for the same. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on a directory, which is made if missing, and resolves when it accepts connections. Rejects with an
 * error that says who where another process uses the directory, and with the server's own words where it does not
 * start. A server that ends by itself, or whose guard does, is started again at the same URL as often as `tries` allows.
 * It does not keep this process alive, and stops when this process ends in any way.
 */
export async function startEmbeddedPostgres(
  directory: string,
  log: Log,
  tries: Patience = patience,
): Promise<EmbeddedPostgres> {
  const home = resolve(directory)
  await makeWritable(home)
  const began = performance.now()
  const parent = markOf(process.pid)!
  let guard = startGuard({ directory: home, parent, patience: tries }, log)
  const { port } = await guard.ready
  log.info({ port, milliseconds: Math.round(performance.now() - began) }, 'PostgreSQL runs')
  guard.unref()

  const stopping = new AbortController()
  const { signal } = stopping
  const nextTry = countTries(tries)
  /** Starts another guard in place of one that ended by itself; resolves to why there can be none, or, stopping, to nothing. */
  const keep = async (): Promise<string | undefined> => {
    for (;;) {
      const { how, failure, ran } = await guard.ended
      if (signal.aborted) return undefined
      // It has tried as often as it may.
      if (failure !== undefined && ran !== undefined) return failure
      const reason = failure ?? `its guard ended with ${how}`
      const next = nextTry(ran ?? 0)
      if (next === undefined) return `${reason} (${tries.tries} times in a row)`
      log.error({ reason, ...next }, 'PostgreSQL is started again')
      await sleep(next.pause, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return undefined
      guard = startGuard({ directory: home, parent, patience: tries, port }, log)
      guard.ready.then(
        () => log.warn({ port }, 'PostgreSQL runs again'),
        () => {},
      )
      guard.unref()
    }
  }
  const kept = keep()
  const broken = new Promise<Error>(resolve => {
    kept.then(reason => {
      if (reason === undefined) return
      const { log: ownLog } = layout(home)
      resolve(
        new Error(
          `the embedded PostgreSQL in ${home} is gone and does not start again: ${reason}. What was committed is kept: ` +
            `mend what it says (${ownLog} has more; is there room on the disk?) and start this again`,
        ),
      )
    })
  })

  const stop = async () => {
    stopping.abort()
    await guard.stop()
    await kept
    if (leftBy(home, parent)) await stopOrphan(layout(home).data)
    log.info('PostgreSQL stopped')
  }
  let stopped: Promise<void> | undefined
  return {
    url: serverUrl(home, port),
    broken,
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}

/** How a guard ended, what it said it failed for, and for how long its server had run (milliseconds; if it ever did). */
type GuardEnd = { how: string; failure?: string; ran?: number }

type Guard = {
  /** Resolves when its server accepts connections for the first time; rejects where it ends before. */
  ready: Promise<{ port: number }>
  ended: Promise<GuardEnd>
  stop(): Promise<void>
  /** Lets this process end although the guard runs. */
  unref(): void
}

function startGuard(setup: GuardSetup, log: Log): Guard {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const guard = fork(
    fileURLToPath(new URL(`./guard.${extension}`, import.meta.url)),
    [JSON.stringify(setup)],
    {
      // In a session of its own: a Ctrl-C in the terminal is for this process, which then stops the guard in its own time.
      detached: true,
      execArgv: [],
      env: childEnvironment(),
      // Not the directory: where that is gone, the guard is to find out and say so.
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    },
  )
  let began: number | undefined
  let failure: string | undefined
  guard.on('message', (message: GuardMessage) => {
    if (message.type === 'ready') {
      if (began !== undefined) log.warn({ port: message.port }, 'PostgreSQL runs again')
      began ??= Date.now()
    } else if (message.type === 'restarting') {
      const { reason, count, pause } = message
      log.error({ reason, count, pause }, 'PostgreSQL is started again')
    } else if (message.type === 'unlocked') {
      log.warn(
        { reason: message.reason },
        `no lock can be held in ${setup.directory}: a second server on it, started in another container or on another machine, would not be noticed`,
      )
    } else {
      failure = message.message
    }
  })
  const ended = new Promise<GuardEnd>(resolve => {
    const end = (how: string) => resolve({ how, failure, ran: began && Date.now() - began })
    // Not 'exit': its last message may come after that.
    guard.once('close', (code, signal) => end(signal ?? `code ${code}`))
    guard.once('error', error => end(error.message))
  })
  const ready = new Promise<{ port: number }>((resolve, reject) => {
    guard.on('message', (message: GuardMessage) => message.type === 'ready' && resolve(message))
    ended.then(({ how, failure }) =>
      reject(
        failure === undefined
          ? new Error(`the guard of PostgreSQL ended with ${how}`)
          : new ServiceError(failure),
      ),
    )
  })
  return {
    ready,
    ended,
    async stop() {
      guard.ref()
      guard.channel?.ref()
      const request: GuardRequest = { type: 'stop' }
      if (guard.connected) guard.send(request, () => {})
      await ended
    },
    unref() {
      // The server should not be what keeps a process alive that has nothing left to do.
      guard.unref()
      guard.channel?.unref()
    },
  }
}

async function makeWritable(home: string): Promise<void> {
  try {
    await makeFolder(home)
    accessSync(home, constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const found = statOf(home)
    throw new Error(
      found === undefined || code === 'EROFS'
        ? `${home} cannot be ${found === undefined ? `made (${code})` : 'written to'}: set LEDGER_DIR to a folder that can`
        : !found.isDirectory()
          ? `${home} is a file: set LEDGER_DIR to a folder`
          : `${home} belongs to user ${found.uid}, and you may not write to it: run as that user, or set LEDGER_DIR`,
    )
  }
}

/** undefined also where a part of the path is a file, or may not be looked into. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
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
