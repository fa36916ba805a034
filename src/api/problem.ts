/** Errors on their way to the client: thrown anywhere, turned into problem+json by plugins/app/problems.ts. */
import type { FieldError } from '../spec/errors.ts'
import type { Quota } from '../store/posting.ts'

/** The kinds of problems there are. `type` in an answer is urn:problem-type:loss-ledger:<kind>. */
export const problemKinds = {
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'malformed-request': { status: 400, title: 'The request is malformed' },
  'invalid-parameters': { status: 400, title: 'A parameter is wrong' },
  unauthorized: { status: 401, title: 'A key is needed' },
  forbidden: { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'not-acceptable': { status: 406, title: 'Not available in that format' },
  'too-slow': { status: 408, title: 'The body arrives too slowly' },
  conflict: { status: 409, title: 'The state of the resource does not allow it' },
  'idempotency-key-reused': { status: 409, title: 'The idempotency key belongs to another body' },
  'precondition-failed': { status: 412, title: 'It has been changed meanwhile' },
  gone: { status: 410, title: 'Not there any more' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  // Not 429, as for unfinished experiments: waiting frees no storage, and who tries again sends gigabytes again.
  'storage-quota-exceeded': { status: 413, title: 'Too many bytes of datasets' },
  'unsupported-media-type': { status: 415, title: 'The body’s media type is not supported' },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside the object' },
  'invalid-spec': { status: 422, title: 'The spec cannot be run' },
  'invalid-dataset': { status: 422, title: 'The dataset cannot be used' },
  'invalid-trajectory': { status: 422, title: 'The trajectory cannot be used' },
  misdirected: { status: 421, title: 'Not the host that was asked for' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'quota-exceeded': { status: 429, title: 'Too many unfinished experiments' },
  internal: { status: 500, title: 'A fault of the service' },
  unavailable: { status: 503, title: 'Not available right now' },
} as const
export type ProblemKind = keyof typeof problemKinds

/** An error whose message is written for the client. */
export class ProblemError extends Error {
  readonly kind: ProblemKind
  readonly errors: FieldError[] | undefined
  readonly headers: Record<string, string>
  constructor(
    kind: ProblemKind,
    detail: string,
    more: { errors?: FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail)
    this.name = 'ProblemError'
    this.kind = kind
    this.errors = more.errors
    this.headers = more.headers ?? {}
  }
}

/** There is no experiment of this id. */
export function experimentNotFound(id: string): ProblemError {
  return new ProblemError('not-found', `there is no experiment ${id}`)
}

/** There are no experiments of some of the ids in the query, in the parameter of that name. */
export function experimentsNotFound(ids: string[], name = 'id'): ProblemError {
  return new ProblemError(
    'not-found',
    ids.length === 1
      ? `there is no experiment ${ids[0]}`
      : `there are no experiments of ${ids.length} of these ids`,
    { errors: ids.map(id => ({ path: `query.${name}`, message: `there is no experiment ${id}` })) },
  )
}

/** One query parameter is wrong in a way that its schema cannot tell. */
export function invalidQuery(name: string, message: string): ProblemError {
  return new ProblemError('invalid-parameters', 'a query parameter is wrong', {
    errors: [{ path: `query.${name}`, message }],
  })
}

/** The caller has as much unfinished as it may have. `needed` says how many places the post wanted. */
export function quotaExceeded({ experiments, segments }: Quota, needed: 'one' | 'some'): ProblemError {
  const limits = [
    experiments > 0 && `${experiments} experiments`,
    segments > 0 && `${segments} segments of them together`,
  ].filter(limit => limit !== false)
  return new ProblemError(
    'quota-exceeded',
    `at most ${limits.join(' and ')} may be queued or running; wait for ${needed}, or cancel ${needed}`,
    { headers: { 'retry-after': '60' } },
  )
}

/** The idempotency key came with another body before, which made what has this id. */
export function keyReused(id: string): ProblemError {
  return new ProblemError('idempotency-key-reused', `the key was used for another body, which made ${id}`)
}

/** Experiments of these ids, which have not finished, start from what was to be deleted. */
export function startedFrom(users: string[]): ProblemError {
  const more = users.length > 3 ? ` and ${users.length - 3} more` : ''
  return new ProblemError(
    'conflict',
    `experiments that are queued or running start from it: ${users.slice(0, 3).join(', ')}${more}; wait for them, or cancel them`,
  )
}
