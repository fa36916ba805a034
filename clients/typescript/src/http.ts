/** Requests to the API: what goes out, what comes back, and what an error says. */
import type { Problem } from './schemas.ts'

export type Connection = {
  /** Where the API is; http://127.0.0.1:3000 if absent. */
  url?: string
  /** An API key, sent as a bearer. */
  apiKey?: string
  /** Instead of the global fetch. */
  fetch?: typeof fetch
}

/** The API answered with an error; the message is what it said, field by field. */
export class ApiError extends Error {
  readonly status: number
  /** problem+json; without any field where the answer was not that: it came from something else, as the message says. */
  readonly problem: Partial<Problem>
  constructor(status: number, problem: Partial<Problem>, fallback: string) {
    const fields = (problem.errors ?? []).map(({ path, message }) => `\n  ${path}: ${message}`)
    super(`${status} ${problem.detail ?? problem.title ?? fallback}${fields.join('')}`)
    this.name = 'ApiError'
    this.status = status
    this.problem = problem
  }
}

/** What the codes of failed connections mean. */
const connectionWords: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
  ECONNRESET: 'the connection was cut (ECONNRESET)',
  ENOTFOUND: 'there is no such host (ENOTFOUND)',
  EAI_AGAIN: 'the name of the host cannot be looked up (EAI_AGAIN)',
  EHOSTUNREACH: 'the network does not lead there (EHOSTUNREACH)',
  ENETUNREACH: 'the network does not lead there (ENETUNREACH)',
  ETIMEDOUT: 'there is no answer (ETIMEDOUT)',
  UND_ERR_CONNECT_TIMEOUT: 'it takes no connection (UND_ERR_CONNECT_TIMEOUT)',
  UND_ERR_BODY_TIMEOUT: 'it stopped in the midst of its answer (UND_ERR_BODY_TIMEOUT)',
  UND_ERR_HEADERS_TIMEOUT: 'it took the request and said nothing (UND_ERR_HEADERS_TIMEOUT)',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer broke off (UND_ERR_RES_CONTENT_LENGTH_MISMATCH)',
  UND_ERR_SOCKET: 'the connection was cut (UND_ERR_SOCKET)',
  // What OpenSSL says of an answer that is no TLS, and llhttp of one that is no HTTP.
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: http:// instead of https://?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS: http:// instead of https://?',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP, or https:// alone (HPE_INVALID_CONSTANT)',
}

/** There was no answer, or none that an API would give. */
export class UnreachableError extends Error {
  readonly url: string
  constructor(url: string, cause: unknown) {
    const { cause: reason } = Object(cause) as { cause?: { code?: string; message?: string } }
    const { code } = reason ?? {}
    // A name that has several addresses fails with a list of errors, whose message is empty.
    const words = code === undefined ? undefined : (connectionWords[code] ?? code)
    const said =
      cause instanceof SyntaxError ? 'what answers there speaks no JSON, so it is no API' : undefined
    super(`no answer from ${url}: ${said ?? words ?? (reason?.message || messageOf(cause))}`, { cause })
    this.name = 'UnreachableError'
    this.url = url
  }
}

const messageOf = (cause: unknown) => (cause instanceof Error && cause.message) || String(cause)

export type Query = Record<string, string | number | readonly string[] | undefined>

export type Request = {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  query?: Query
  /** Sent as JSON, or as the form it is. */
  body?: unknown
  headers?: Record<string, string | undefined>
  signal?: AbortSignal
}
/** A request, and what has to be in the JSON that answers it. */
export type JsonRequest<T> = Request & { has?: readonly (keyof T & string)[] }

export type Http = {
  /** The answer, whatever is in it. Throws ApiError for a status of 400 and above, UnreachableError where there is none. */
  send(path: string, request?: Request): Promise<Response>
  /** The JSON of the answer. Throws as send does, and UnreachableError where it breaks off or is not what an API says. */
  json<T>(path: string, request?: JsonRequest<T>): Promise<T>
}

/** Throws TypeError where the URL can be none. */
export function makeHttp({ url = 'http://127.0.0.1:3000', apiKey: typed, fetch: given }: Connection): Http {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new TypeError(`${JSON.stringify(url)} is not a URL of an API: http://host:port`)
  // As it is read from a file.
  const apiKey = typed?.trim()
  const send: Http['send'] = async (
    path,
    { method = 'GET', query = {}, body, headers = {}, signal } = {},
  ) => {
    const target = new URL(`${url.replace(/\/+$/, '')}${path}`)
    for (const [name, value] of Object.entries(query))
      for (const one of [value].flat()) if (one !== undefined) target.searchParams.append(name, String(one))
    // fetch itself says of a form how its parts are told apart.
    const form = body instanceof FormData ? body : undefined
    const sent = Object.entries({
      ...(body !== undefined && !form && { 'content-type': 'application/json' }),
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      ...headers,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined)
    // Said here: in fetch's own words there would be the key.
    for (const [name, value] of sent)
      if (!/^[\t\x20-\x7e]*$/.test(value))
        throw new TypeError(
          `${name === 'authorization' ? 'the API key' : name} must be printable ASCII characters, to be sent as a header`,
        )
    const init: RequestInit = { method, headers: sent }
    if (body !== undefined) init.body = form ?? JSON.stringify(body, asJson)
    // Node's fetch keeps all of a body that it might have to send again, elsewhere or with a password.
    if (form) Object.assign(init, { redirect: 'error', window: null })
    if (signal) init.signal = signal
    let response: Response
    try {
      response = await (form ? (given ?? fetch)(target, init) : follow(given ?? fetch, target, init))
    } catch (error) {
      signal?.throwIfAborted()
      throw new UnreachableError(target.origin, error)
    }
    if (response.status < 400) return response
    const said = (await response.json().catch(() => undefined)) as Partial<Problem> | undefined
    // A proxy, a bucket, or whatever else is at a wrong address.
    const isProblem = said instanceof Object && ('title' in said || 'detail' in said)
    throw new ApiError(
      response.status,
      isProblem ? said : {},
      `${response.statusText}, and not in the words of the API: is ${originOf(response) ?? target.origin} its address?`,
    )
  }
  return {
    send,
    json: async (path, request) => jsonOf(await send(path, request), request),
  }
}

/** What JSON would make null or an object of, without a word: NaN is refused, and an array of numbers is one. */
function asJson(name: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${name} is ${value}, which is no number that JSON has`)
  if (typeof value === 'bigint') {
    if (Number.isSafeInteger(Number(value))) return Number(value)
    throw new TypeError(`${name} is ${value}, which is more than a number of JSON holds exactly`)
  }
  return ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as Float64Array) : value
}

const mostRedirects = 5

/**
 * Fetches, and goes where it is redirected without the key, unless that is the same origin: a presigned URL has a key of
 * its own, and what else there is must not see this one. That is what fetch ought to do, and not every one does that may
 * be given.
 */
async function follow(fetch: typeof globalThis.fetch, target: URL, init: RequestInit): Promise<Response> {
  let url = target
  let headers = init.headers as [string, string][]
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    // A browser does not say where to, follows by itself, and does leave the key.
    if (response.type === 'opaqueredirect') return fetch(target, { ...init, redirect: 'follow' })
    const location = response.headers.get('location')
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response
    await response.body?.cancel()
    if (init.method !== 'GET' || redirects === mostRedirects)
      throw new Error(`${target.origin} redirects ${init.method === 'GET' ? 'without end' : init.method}`)
    url = new URL(location, url)
    if (url.origin !== target.origin)
      headers = headers.filter(([name]) => name.toLowerCase() !== 'authorization')
  }
}

/**
 * The JSON of an answer, in which everything named by `has` is. Throws UnreachableError where it breaks off, is none, or
 * lacks that: something else answers there.
 */
export async function jsonOf<T>(
  response: Response,
  { signal, has = [] }: { signal?: AbortSignal | undefined; has?: readonly (keyof T & string)[] } = {},
): Promise<T> {
  const url = originOf(response) ?? 'the API'
  let found: T
  try {
    found = (await response.json()) as T
  } catch (error) {
    signal?.throwIfAborted()
    throw new UnreachableError(url, error)
  }
  const lacks = found instanceof Object ? has.find(name => !(name in found)) : 'an object'
  if (lacks !== undefined)
    throw new UnreachableError(url, new Error(`what answers there is no such API: its JSON has no ${lacks}`))
  return found
}

/** The bytes of an answer as they come. Throws UnreachableError where it breaks off. */
export async function* bytesOf(response: Response): AsyncGenerator<Uint8Array> {
  // Not every browser can iterate over a stream.
  const reader = response.body!.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(error => {
        throw new UnreachableError(originOf(response) ?? 'the API', error)
      })
      if (done) return
      yield value
    }
  } finally {
    // Who stops listening wants no more of it.
    await reader.cancel().catch(() => {})
  }
}

const originOf = ({ url }: Response) => (url ? new URL(url).origin : undefined)
