/** Work that a database which restarts must not cost: it is done again until the server is back, or patience ends. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'

/** Whether an error says that the connection, not the statement, was at fault. */
export function isConnectionError(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  // 08: connection exceptions. 57P: the server stops, has crashed, or starts. 53300: it has no connection left.
  // A container that restarts is gone from the network's names meanwhile.
  if (
    typeof code === 'string' &&
    /^(08...|57P0[123]|53300|ECONN(REFUSED|RESET|ABORTED)|E(HOST|NET)UNREACH|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/.test(
      code,
    )
  )
    return true
  return (
    typeof message === 'string' &&
    /connection terminated|client has encountered a connection error|server closed the connection/i.test(
      message,
    )
  )
}

/**
 * Does `work`, which may be done twice, until it does not fail for the connection; for at most so many milliseconds. Any
 * other error, and the last, is thrown.
 */
export async function patiently<T>(work: () => Promise<T>, log: Log, milliseconds = 30_000): Promise<T> {
  const deadline = Date.now() + milliseconds
  for (let pause = 100; ; pause = Math.min(2 * pause, 2000)) {
    try {
      return await work()
    } catch (error) {
      if (!isConnectionError(error) || Date.now() + pause > deadline) throw error
      log.warn({ err: error }, 'Postgres does not answer: trying again')
      await sleep(pause)
    }
  }
}
