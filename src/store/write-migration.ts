/**
 * `npm run migration -- what-changed`: writes prisma/migrations/<time>_what_changed from the difference between the
 * migrations so far and schema.prisma. Works on a throw-away embedded database.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { startEmbeddedPostgres } from '../postgres/embedded.ts'
import { missingSql } from './schema-engine.ts'
import { prismaDirectory } from './schema-files.ts'

const about = process.argv
  .slice(2)
  .join('_')
  .toLowerCase()
  .replaceAll(/[^a-z0-9]+/g, '_')
if (about === '') throw new Error('say what changed: npm run migration -- what-changed')

const directory = mkdtempSync(join(tmpdir(), 'loss-ledger-migration-'))
const postgres = await startEmbeddedPostgres(directory, pino({ level: 'silent' }))
try {
  const sql = await missingSql(postgres.url)
  if (sql === '') {
    console.log('schema.prisma and the migrations agree: nothing to write')
  } else {
    const time = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
    const folder = join(prismaDirectory(), 'migrations', `${time}_${about}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'migration.sql'), sql)
    console.log(`wrote ${join(folder, 'migration.sql')}: read it, and commit it`)
  }
} finally {
  await postgres.stop()
  rmSync(directory, { recursive: true, force: true })
}
