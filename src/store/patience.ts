/** Work that a database which restarts must not cost: it is done again until the server is back, or patience ends. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'

/** What PostgreSQL calls an error (SQLSTATE), or the system (ECONNRESET and the like); from under Prisma's own names. */
export function errorCode(error: unknown): string | undefined {
  const { code, meta } = error as {
    code?: unknown
    meta?: { driverAdapterError?: { cause?: { originalCode?: unknown } } }
  }
  const found = meta?.driverAdapterError?.cause?.originalCode ?? code
  return typeof found === 'string' ? found : undefined
}

/** Whether an error says that the connection, not the statement, was at fault. */
export function isConnectionError(error: unknown): boolean {
  const code = errorCode(error)
  const { message } = error as { message?: unknown }
  // 08: connection exceptions. 57P: the server stops, has crashed, or starts. 53300: it has no connection left.
  // A container that restarts is gone from the network's names meanwhile.
  if (
    code !== undefined &&
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
 * Whether the very same may succeed a little later: nobody answers, or the server lacks something (53: room on its disk,
 * memory), cancelled the statement because it took too long (57014), or ended it for the sake of another (40001, 40P01,
 * 55P03).
 */
export function isPassing(error: unknown): boolean {
  return isConnectionError(error) || /^(53...|57014|40001|40P01|55P03)$/.test(errorCode(error) ?? '')
}

/**
 * Does `work`, which may be done twice, until it does not fail for a reason that passes; for at most so many
 * milliseconds. Any other error, and the last, is thrown.
 */
export async function patiently<T>(work: () => Promise<T>, log: Log, milliseconds = 30_000): Promise<T> {
  const deadline = Date.now() + milliseconds
  for (let pause = 100; ; pause = Math.min(2 * pause, 2000)) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error) || Date.now() + pause > deadline) throw error
      log.warn({ err: error }, 'Postgres cannot do this now: trying again')
      await sleep(pause)
    }
  }
}
