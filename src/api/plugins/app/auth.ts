/**
 * Who calls, and what they may do. With LEDGER_AUTH=keys (the default wherever HOST is not loopback) every call to /v1
 * needs `Authorization: Bearer <key>`; a key belongs to a tenant and sees what is that tenant's, an admin's sees all.
 * With LEDGER_AUTH=none everybody sees everything.
 */
import type { FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { findKeys, matchesKey, parseKey, type Scope, type StoredKey } from '../../../store/keys.ts'
import { batched } from '../../batch.ts'
import { ProblemError } from '../../problem.ts'
import { problems } from '../../schemas/common.ts'

export type Caller = {
  /** What they post belongs to it. */
  owner: string
  /** Whose experiments they see; null: everybody's. */
  tenant: string | null
  scopes: readonly Scope[]
  /** The id of the key; undefined: there is none. */
  key: string | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
  interface FastifyContextConfig {
    /** What a caller needs; 'none': nothing, not even a key. By default read for GET, submit for the rest of /v1. */
    scope?: Scope | 'none'
  }
}

/** Nobody in particular: sees nothing. */
const stranger: Caller = { owner: '', tenant: '', scopes: [], key: undefined }
/** Everybody, where there are no keys. */
const everybody: Caller = {
  owner: 'default',
  tenant: null,
  scopes: ['read', 'submit', 'admin'],
  key: undefined,
}

export default fp(
  async app => {
    const open = app.config.auth === 'none'
    const find = batched(ids => findKeys(app.db, ids))
    app.decorateRequest('caller')
    app.addHook('onRoute', route => {
      const scope = scopeOf(route)
      route.config = { ...route.config, scope }
      if (scope === 'none') {
        route.schema = { ...route.schema, security: [] }
        return
      }
      const response = { ...problems(401, 403, 429, 503), ...(route.schema?.response as object) }
      route.schema = { ...route.schema, security: [{ key: [] }], response }
    })
    // Known from the start, for the limits; refused only after them, so that guessing is limited too.
    app.addHook('onRequest', async request => {
      request.caller = open ? everybody : await callerOf(request, find)
    })
    app.addHook('preParsing', async request => {
      const { scope = 'none' } = request.routeOptions.config
      if (scope === 'none') return
      const { caller } = request
      if (caller === stranger) throw unauthorized(request)
      if (!allows(caller, scope))
        throw new ProblemError('forbidden', `this needs a key with the scope ${scope}`)
    })
  },
  { name: 'auth', dependencies: ['problems'] },
)

async function callerOf(
  request: FastifyRequest,
  find: (id: string) => Promise<StoredKey | undefined>,
): Promise<Caller> {
  const given = bearer(request)
  const parsed = given === undefined ? undefined : parseKey(given)
  if (parsed === undefined) return stranger
  const stored = await find(parsed.id)
  if (!matchesKey(parsed.secret, stored)) return stranger
  const { id, tenant, scopes } = stored
  return { owner: tenant, tenant: scopes.includes('admin') ? null : tenant, scopes, key: id }
}

const bearer = (request: FastifyRequest) =>
  /^Bearer +([^ ]+) *$/i.exec(request.headers.authorization ?? '')?.[1]

function unauthorized(request: FastifyRequest): ProblemError {
  const given = request.headers.authorization !== undefined
  const detail = given ? 'the key is not valid' : 'this needs a key: Authorization: Bearer <key>'
  const challenge = `Bearer realm="loss-ledger"${given ? ', error="invalid_token"' : ''}`
  return new ProblemError('unauthorized', detail, { headers: { 'www-authenticate': challenge } })
}

/** Each scope includes the ones before it. */
function allows({ scopes }: Caller, needed: Scope): boolean {
  if (scopes.includes('admin')) return true
  return needed === 'read' ? scopes.length > 0 : needed === 'submit' && scopes.includes('submit')
}

function scopeOf(route: RouteOptions): Scope | 'none' {
  const said = (route.config as { scope?: Scope | 'none' } | undefined)?.scope
  if (said !== undefined) return said
  if (!route.url.startsWith('/v1/')) return 'none'
  return [route.method].flat().every(method => method === 'GET' || method === 'HEAD') ? 'read' : 'submit'
}
