/**
 * Uploaded datasets: rows here, examples as objects. Neither ever changes; a dataset is deleted, or stays as it is. The
 * digest in a spec says which examples are meant, whatever has become of the name since.
 */
import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { About } from '../data/uploads/about.ts'
import { datasetKey, datasetPrefix } from '../objects/names.ts'
import type { Objects } from '../objects/objects.ts'
import { SpecError } from '../spec/errors.ts'
import type { DatasetFacts } from '../spec/facts.ts'
import type { StoredSpec } from '../spec/stored.ts'
import { type Database, transaction } from './database.ts'
import type { Dataset } from './generated/client.ts'

/** An object of a dataset: what the names are, src/data/uploads/stored.ts says. */
export type StoredFile = { name: string; bytes: number; sha256: string }

/** An uploaded dataset, but for whose it is. */
export type Upload = {
  /** UUIDv7. */
  id: string
  name: string
  /** Of what was uploaded: idx, cifar or npy. */
  format: string
  /** Of one example: height, width, channels. */
  shape: number[]
  classes: number
  trainExamples: number
  testExamples: number
  sha256: string
  files: StoredFile[]
  /** null: bytes, and a class each. */
  about: About | null
  createdAt: Date
}

/** What a spec may ask for (spec/schema.ts). */
const mostOfASplit = 10_000_000

/** The digest of a dataset: of everything that a computation can see of it. */
export function digestOf({
  shape,
  classes,
  files,
  about,
}: Pick<Upload, 'shape' | 'classes' | 'files' | 'about'>): string {
  // What classes are called is no part of it, nor what the files had before.
  const { classNames: _, narrowed: __, ...told } = about ?? {}
  const isPlain = about === null || (about.values === 'bytes' && about.targets === 'classes')
  const seen = {
    ...{ shape, classes, files: files.map(({ name, sha256 }) => [name, sha256]) },
    ...(!isPlain && told),
  }
  return createHash('sha256').update(JSON.stringify(seen)).digest('hex')
}

/** The facts that a spec is resolved against. */
export function factsOf(upload: Upload): DatasetFacts {
  const { name, format, shape, classes, sha256, trainExamples, testExamples, createdAt, about } = upload
  // With a test file, all of both; without, nine in ten to train on.
  const tested = testExamples > 0
  const validationExamples = tested ? testExamples : Math.floor(trainExamples / 10)
  return {
    ...{ name, shape, classes, sha256, trainFile: trainExamples, testFile: testExamples },
    description: `Uploaded on ${createdAt.toISOString().slice(0, 10)} (${format}${about?.narrowed ? `; float64 rounded to float32 in ${about.narrowed.join(', ')}` : ''}).`,
    ...(about?.vocabulary !== undefined && { vocabulary: about.vocabulary }),
    ...(about?.places !== undefined && { targets: about.places }),
    ...(about?.values === 'numbers' && { numbers: true }),
    ...(about?.targets === 'numbers' && { regression: true }),
    ...(about?.classNames && { classNames: about.classNames }),
    defaults: {
      trainExamples: Math.min(mostOfASplit, tested ? trainExamples : trainExamples - validationExamples),
      validationExamples: Math.min(mostOfASplit, validationExamples),
    },
  }
}

/** The datasets of a tenant by name. */
export async function listUploads(db: Database, tenant: string): Promise<Upload[]> {
  return (await db.prisma.dataset.findMany({ where: { tenant }, orderBy: { name: 'asc' } })).map(shown)
}

/** A tenant's dataset of a name; null where there is none. */
export async function findUpload(db: Database, tenant: string, name: string): Promise<Upload | null> {
  const found = await db.prisma.dataset.findUnique({ where: { tenant_name: { tenant, name } } })
  return found && shown(found)
}

const shown = ({ tenant: _, files, about, ...row }: Dataset): Upload => ({
  ...row,
  files: files as StoredFile[],
  about: about as About | null,
})

/** The digests of everything that is stored of any dataset. */
export async function storedDigests(db: Database): Promise<Set<string>> {
  const all = await db.prisma.dataset.findMany({ select: { files: true } })
  return new Set(all.flatMap(({ files }) => (files as StoredFile[]).map(({ sha256 }) => sha256)))
}

/** The dataset that an experiment is on: the one of its tenant that has its spec's name and digest. */
export async function uploadOf(db: Database, experimentId: string): Promise<Upload | undefined> {
  const { rows } = await db.pool.query<Upload>(
    `SELECT d.id, d.name, d.format, d.shape, d.classes, d.train_examples AS "trainExamples",
            d.test_examples AS "testExamples", d.sha256, d.files, d.about, d.created_at AS "createdAt"
       FROM experiments e
       JOIN datasets d ON d.tenant = e.tenant AND d.name = e.spec #>> '{dataset,name}'
                      AND d.sha256 = e.spec #>> '{dataset,sha256}'
      WHERE e.id = $1`,
    [experimentId],
  )
  return rows[0]
}

/** Bytes of files together. */
export const bytesOf = (files: StoredFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0)

/** Bytes of a tenant's datasets and trajectories together. */
export async function storedBytes(db: Pick<pg.ClientBase, 'query'>, tenant: string): Promise<number> {
  const { rows } = await db.query<{ bytes: number }>(
    `SELECT (SELECT coalesce(sum((file ->> 'bytes')::float8), 0)
               FROM datasets, jsonb_array_elements(files) AS file WHERE tenant = $1)
          + (SELECT coalesce(sum(bytes), 0) FROM trajectories WHERE tenant = $1) AS bytes`,
    [tenant],
  )
  return rows[0].bytes
}

/**
 * Stores the row of a dataset whose objects are stored. taken: the name is. full: with it the tenant's datasets have
 * more than `mostBytes`; 0: any number.
 */
export async function addUpload(
  db: Database,
  tenant: string,
  upload: Omit<Upload, 'createdAt'>,
  mostBytes: number,
): Promise<Upload | 'taken' | 'full'> {
  const { id, name, format, shape, classes, trainExamples, testExamples, sha256, files, about } = upload
  return transaction(db.pool, async client => {
    if (mostBytes > 0) {
      // The tenant's other uploads wait, or two could both find the last room free.
      await client.query('SELECT pg_advisory_xact_lock(hashtext($1), 1)', [`datasets ${tenant}`])
      if ((await storedBytes(client, tenant)) + bytesOf(files) > mostBytes) return 'full'
    }
    const { rows } = await client.query<{ createdAt: Date }>(
      `INSERT INTO datasets (id, tenant, name, format, shape, classes, train_examples, test_examples, sha256, files, about)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       ON CONFLICT (tenant, name) DO NOTHING
       RETURNING created_at AS "createdAt"`,
      [
        ...[id, tenant, name, format, shape, classes, trainExamples, testExamples, sha256],
        JSON.stringify(files),
        about && JSON.stringify(about),
      ],
    )
    return rows.length === 0 ? 'taken' : { ...upload, ...rows[0] }
  })
}

/**
 * Deletes a dataset, unless experiments that are queued or running are on it. The row goes first: nobody finds a dataset
 * whose objects are going, and objects without a row are swept.
 */
export async function deleteUpload(
  db: Database,
  objects: Objects,
  tenant: string,
  name: string,
): Promise<'deleted' | 'missing' | 'in use'> {
  const found = await transaction(db.pool, async client => {
    const { rows } = await client.query<{ id: string; files: { name: string }[] }>(
      'SELECT id, files FROM datasets WHERE tenant = $1 AND name = $2 FOR UPDATE',
      [tenant, name],
    )
    if (rows.length === 0) return 'missing'
    const users = await client.query(
      `SELECT FROM experiments
        WHERE tenant = $1 AND status IN ('queued', 'training', 'allocating') AND spec #>> '{dataset,name}' = $2
        LIMIT 1`,
      [tenant, name],
    )
    if (users.rowCount !== 0) return 'in use'
    await client.query('DELETE FROM datasets WHERE id = $1', [rows[0].id])
    return rows[0]
  })
  if (typeof found === 'string') return found
  await objects.remove(
    datasetPrefix(found.id),
    found.files.map(({ name }) => datasetKey(found.id, name)),
  )
  return 'deleted'
}

/**
 * Keeps the uploaded datasets of specs from being deleted until the transaction that stores the specs is over. Throws
 * SpecError where one has been since they were resolved.
 */
export async function holdUploads(
  client: pg.PoolClient,
  tenant: string,
  specs: Pick<StoredSpec, 'dataset'>[],
): Promise<void> {
  const digests = new Map<string, string>()
  for (const { dataset } of specs) if (dataset.sha256 !== undefined) digests.set(dataset.name, dataset.sha256)
  for (const [name, sha256] of digests) {
    const { rowCount } = await client.query(
      'SELECT FROM datasets WHERE tenant = $1 AND name = $2 AND sha256 = $3 FOR SHARE',
      [tenant, name, sha256],
    )
    if (rowCount === 0)
      throw new SpecError([{ path: '$.dataset.name', message: `was deleted this moment: ${name}` }])
  }
}
