/**
 * API keys: who may call, and whose data they see. A key is `ll_<id>_<secret>`: the id is public, and finds the row; of
 * the secret, 256 random bits, only the SHA-256 is kept. (A slow hash is for passwords, which can be guessed; this
 * cannot.)
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database } from './database.ts'

/**
 * read: look at the tenant's experiments. submit: post, cancel, retry and delete them. admin: both, for every tenant,
 * and /metrics: for who runs the service. Each includes the ones before it.
 */
export const scopes = ['read', 'submit', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** A key as it may be shown. */
export type ApiKey = {
  id: string
  name: string
  tenant: string
  scopes: Scope[]
  createdAt: Date
  revokedAt: Date | null
}

/** A key as it is checked. */
export type StoredKey = ApiKey & { hash: Uint8Array }

export type NewKey = { name: string; tenant: string; scopes: Scope[] }

/** What a tenant may be called. */
export const tenantPattern = /^[A-Za-z0-9._-]{1,64}$/

/** Makes a key. `key` is the only time that its text is seen. Throws where a part of it is not valid. */
export async function createKey(
  db: Database,
  { name, tenant, scopes: wanted }: NewKey,
): Promise<ApiKey & { key: string }> {
  if (!tenantPattern.test(tenant))
    throw new Error('a tenant is 1 to 64 letters, digits, dots, dashes and underscores')
  if (name.length < 1 || name.length > 200 || name.includes('\0'))
    throw new Error('a key needs a name of 1 to 200 characters')
  if (wanted.length === 0 || wanted.some(scope => !scopes.includes(scope)))
    throw new Error(`a key has one or more of the scopes ${scopes.join(', ')}`)
  const id = randomBytes(6).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  const row = await db.prisma.apiKey.create({
    data: { id, name, tenant, scopes: [...new Set(wanted)], hash: new Uint8Array(hashOf(secret)) },
  })
  return { ...shown(row as StoredKey), key: `ll_${id}_${secret}` }
}

/** Every key, also those that are revoked, oldest first. */
export async function listKeys(db: Database): Promise<ApiKey[]> {
  const rows = await db.prisma.apiKey.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })
  return rows.map(row => shown(row as StoredKey))
}

/** Revokes a key at once, everywhere. Says whether there was such a key that was still valid. */
export async function revokeKey(db: Database, id: string): Promise<boolean> {
  const { count } = await db.prisma.apiKey.updateMany({
    where: { id, revokedAt: null },
    data: { revokedAt: new Date() },
  })
  return count === 1
}

/** The keys of these ids that are not revoked. */
export async function findKeys(db: Database, ids: string[]): Promise<Map<string, StoredKey>> {
  const { rows } = await db.pool.query<StoredKey>(
    `SELECT id, name, tenant, scopes, hash, created_at AS "createdAt", revoked_at AS "revokedAt"
     FROM api_keys WHERE id = ANY ($1::text[]) AND revoked_at IS NULL`,
    [ids],
  )
  return new Map(rows.map(row => [row.id, row]))
}

/** The parts of a key's text; undefined where it is not one. */
export function parseKey(text: string): { id: string; secret: string } | undefined {
  const match = /^ll_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/.exec(text)
  return match ? { id: match[1], secret: match[2] } : undefined
}

// Compared with where there is no such key, so that an id cannot be told from none by the time it takes.
const nobody = randomBytes(32)

/** Whether a secret is that of the key, in the same time whatever they are. */
export function matchesKey(secret: string, stored: StoredKey | undefined): stored is StoredKey {
  const same = timingSafeEqual(hashOf(secret), stored?.hash ?? nobody)
  return same && stored !== undefined
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest()

const shown = ({ id, name, tenant, scopes, createdAt, revokedAt }: StoredKey): ApiKey => ({
  ...{ id, name, tenant, scopes, createdAt, revokedAt },
})
