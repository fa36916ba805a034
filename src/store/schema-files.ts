/** prisma/schema.prisma and prisma/migrations as they are in this installation. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Migration = {
  /** The folder's name: a time and what it is about. */
  name: string
  sql: string
  /** SHA-256 of the file, hexadecimal, as Prisma records it. */
  checksum: string
}

/** The prisma folder, found upwards from here: the code runs from the project itself or from its dist folder. */
export function prismaDirectory(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, 'prisma', 'schema.prisma'))) return join(at, 'prisma')
  }
  throw new Error('prisma/schema.prisma is missing from this installation')
}

/** The text of schema.prisma. */
export const readSchema = (): string => readFileSync(join(prismaDirectory(), 'schema.prisma'), 'utf8')

/** Every migration, oldest first. */
export function readMigrations(): Migration[] {
  const directory = join(prismaDirectory(), 'migrations')
  return readdirSync(directory, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
    .map(name => {
      const sql = readFileSync(join(directory, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
}
