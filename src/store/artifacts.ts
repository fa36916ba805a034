/** The objects of an experiment, as Postgres knows them. */
import type pg from 'pg'

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
