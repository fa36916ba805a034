/** The objects of an experiment, as Postgres knows them. */
import type pg from 'pg'
import type { Database } from './database.ts'

/** An object of an experiment in storage: `name` is its key without the experiment's prefix. */
export type StoredArtifact = { name: string; bytes: number; sha256: string; contentType: string }

/** Adds or replaces artifacts: an object written again has the same name, and what it holds now is what counts. */
export async function recordArtifacts(
  client: pg.ClientBase,
  id: string,
  objects: StoredArtifact[],
): Promise<void> {
  await client.query(
    `INSERT INTO artifacts (experiment_id, name, bytes, sha256, content_type)
     SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[])
     ON CONFLICT (experiment_id, name) DO UPDATE
     SET bytes = excluded.bytes, sha256 = excluded.sha256, content_type = excluded.content_type`,
    [
      id,
      objects.map(object => object.name),
      objects.map(object => object.bytes),
      objects.map(object => object.sha256),
      objects.map(object => object.contentType),
    ],
  )
}

/** What is recorded of objects of these names, by name; what is not recorded is not in it. */
export async function findArtifacts(
  { pool }: Pick<Database, 'pool'>,
  id: string,
  names: string[],
): Promise<Map<string, StoredArtifact>> {
  const { rows } = await pool.query<StoredArtifact>(
    `SELECT name, bytes::float8 AS bytes, sha256, content_type AS "contentType"
       FROM artifacts WHERE experiment_id = $1 AND name = ANY ($2)`,
    [id, names],
  )
  return new Map(rows.map(row => [row.name, row]))
}

/** What is recorded of objects, by name: so many after a name. */
export async function findArtifactsAfter(
  { pool }: Pick<Database, 'pool'>,
  id: string,
  after: string,
  limit: number,
): Promise<StoredArtifact[]> {
  const { rows } = await pool.query<StoredArtifact>(
    `SELECT name, bytes::float8 AS bytes, sha256, content_type AS "contentType"
       FROM artifacts WHERE experiment_id = $1 AND name > $2 ORDER BY name LIMIT $3`,
    [id, after, limit],
  )
  return rows
}

/** What can be downloaded; `sha256` null: it is put together from others when it is asked for. */
export type ListedArtifact = Omit<StoredArtifact, 'sha256'> & { sha256: string | null; createdAt: Date }

/** The objects of an experiment and what is put together from them, by name: so many after a name. */
export async function listArtifacts(
  { pool }: Database,
  id: string,
  { after, limit }: { after: string | undefined; limit: number },
  joined: Pick<ListedArtifact, 'name' | 'bytes' | 'contentType' | 'createdAt'>[],
): Promise<ListedArtifact[]> {
  const { rows } = await pool.query<ListedArtifact>(
    `SELECT * FROM (
       SELECT name, bytes::float8 AS bytes, sha256, content_type AS "contentType", created_at AS "createdAt"
         FROM artifacts WHERE experiment_id = $1
       UNION ALL
       SELECT name, bytes, NULL, type, made
         FROM unnest($4::text[], $5::float8[], $6::text[], $7::timestamptz[]) AS j (name, bytes, type, made)) AS listed
      WHERE $2::text IS NULL OR name > $2
      ORDER BY name LIMIT $3`,
    [
      ...[id, after ?? null, limit],
      joined.map(({ name }) => name),
      joined.map(({ bytes }) => bytes),
      joined.map(({ contentType }) => contentType),
      joined.map(({ createdAt }) => createdAt),
    ],
  )
  return rows
}
