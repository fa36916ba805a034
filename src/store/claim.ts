/**
 * That every process of a fleet uses the same object store. The store holds a mark, `ledger-id`, and Postgres knows it: a
 * worker that was given another bucket, or none and so a folder of its own, would train and allocate into it what nobody
 * finds.
 */
import { randomUUID } from 'node:crypto'
import type { Log } from '../log.ts'
import { MissingObjectError, markKey, type Objects, objectKey } from '../objects/objects.ts'
import { ServiceError } from '../service-error.ts'
import { type Database, transaction } from './database.ts'

// Any number that nothing else locks.
const claimLock = 0xc1a1

/** The store is not the one whose objects Postgres knows. */
export class OtherStoreError extends Error {}

/**
 * Makes the store this ledger's where it is nobody's yet, and throws OtherStoreError where it is not this ledger's, and
 * ServiceError where it cannot be used as it is configured. To be called at the start; a store that does not answer then is
 * a warning, for it may be back when it is needed.
 */
export async function claimStore(
  { pool }: Pick<Database, 'pool'>,
  objects: Objects,
  name: string,
  log: Log,
): Promise<void> {
  try {
    await objects.ping()
    await transaction(pool, async client => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [claimLock])
      const known = await client.query<{ mark: string }>('SELECT mark FROM object_store')
      const found = await readMark(objects)
      if (known.rows.length > 0) {
        if (known.rows[0].mark === found) return
        throw new OtherStoreError(
          `the objects of this Postgres's ledger are not in ${name}: give every process the same S3_BUCKET and S3_ENDPOINT, or LEDGER_DIR. Where they are (moved, or removed by hand), put an object ${markKey} with the text ${known.rows[0].mark} beside them`,
        )
      }
      // A ledger from before there were marks: its objects say where it keeps them.
      const { rows } = await client.query<{ key: string; id: string }>(
        `SELECT DISTINCT ON (id) id, a.name AS key FROM artifacts a JOIN experiments e ON id = experiment_id
          WHERE NOT cancelling ORDER BY id DESC LIMIT 20`,
      )
      const stats = await Promise.all(rows.map(({ id, key }) => objects.stat(objectKey(id, key))))
      // Single ones may have been lost.
      if (rows.length > 0 && stats.every(stat => stat === undefined))
        throw new OtherStoreError(
          `the objects of this Postgres's ledger are not in ${name}: ${rows[0].key} of experiment ${rows[0].id} is not there, nor any other`,
        )
      // The object first: a mark without a row is taken up by the next start.
      const mark = found ?? (await writeMark(objects))
      await client.query('INSERT INTO object_store (mark) VALUES ($1)', [mark])
    })
  } catch (error) {
    if (error instanceof OtherStoreError) throw error
    if (error instanceof ServiceError && !error.passing) throw error
    const reason = error instanceof ServiceError ? error.message : undefined
    log.warn(
      reason === undefined ? { err: error } : { reason },
      "whether this is the ledger's object store could not be asked",
    )
  }
}

async function readMark(objects: Objects): Promise<string | undefined> {
  try {
    return (await objects.read(markKey)).toString()
  } catch (error) {
    if (error instanceof MissingObjectError) return undefined
    throw error
  }
}

async function writeMark(objects: Objects): Promise<string> {
  const mark = randomUUID()
  const writer = await objects.write(markKey, 'text/plain')
  try {
    await writer.append(new TextEncoder().encode(mark))
    await writer.commit()
  } catch (error) {
    await writer.abort()
    throw error
  }
  return mark
}
