/** A process that was given another object store than its ledger's does not start to fill it. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import { openFolder } from '../src/objects/folder.ts'
import { type Objects, objectKey } from '../src/objects/objects.ts'
import { claimStore, OtherStoreError } from '../src/store/claim.ts'
import { createExperiment } from '../src/store/experiments.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { asStored, fakeSpec } from './support/fake-ledger.ts'

let database: TestDatabase
let directory: string
let ours: Objects
let other: Objects
const log = pino({ level: 'silent' })
const claim = (objects: Objects) => claimStore(database.db, objects, 'a folder', log)

// In here, for files that share the process have tests of their own.
describe('the claim of a store', () => {
  beforeEach(async () => {
    database = await testDatabase()
    directory = mkdtempSync(join(tmpdir(), 'loss-ledger-claim-'))
    ours = openFolder(join(directory, 'ours'))
    other = openFolder(join(directory, 'other'))
  })
  afterEach(async () => {
    await database.close()
    rmSync(directory, { recursive: true })
  })

  test('the first to start claim the store, at once or after each other; another store is refused', async () => {
    await Promise.all([claim(ours), claim(ours), claim(ours)])
    await claim(ours)
    await assert.rejects(
      claim(other),
      /are not in a folder: .* put an object ledger-id with the text [0-9a-f-]{36}/,
    )
    // Also where the other is somebody else's.
    await (await writing(other, 'ledger-id', randomUUID())).commit()
    await assert.rejects(claim(other), OtherStoreError)
  })

  test('a ledger from before there were marks knows its store by what is in it', async () => {
    const id = randomUUID()
    await createExperiment(database.db, { id, spec: asStored(fakeSpec(2, 2, [])) })
    await database.db.prisma.artifact.create({
      data: {
        experimentId: id,
        name: 'manifest.json',
        bytes: 1,
        sha256: '00',
        contentType: 'application/json',
      },
    })
    await (await writing(ours, objectKey(id, 'manifest.json'), '{}')).commit()
    await assert.rejects(claim(other), /manifest\.json of experiment/)
    await claim(ours)
    await assert.rejects(claim(other), OtherStoreError)
  })

  test('a store that does not answer at the start keeps nobody from starting', async () => {
    await claim(ours)
    const away = { ...ours, read: () => Promise.reject(new Error('connect ECONNREFUSED')) }
    await claim(away)
  })

  async function writing(objects: Objects, key: string, text: string) {
    const writer = await objects.write(key, 'text/plain')
    await writer.append(new TextEncoder().encode(text))
    return writer
  }
})
