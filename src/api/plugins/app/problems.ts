/** Every error leaves as problem+json (RFC 9457). What is not meant for the client is logged and left out. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import fp from 'fastify-plugin'
import { type FieldError, SpecError } from '../../../spec/errors.ts'
import { didYouMean, type JsonSchema } from '../../../spec/messages.ts'
import { wordsOf } from '../../../spec/patterns.ts'
import { isConnectionError, isPassing } from '../../../store/patience.ts'
import { ProblemError, type ProblemKind, problemKinds } from '../../problem.ts'
import type { Problem } from '../../schemas/common.ts'
import { headersOf } from './requests.ts'

/** More wrong fields than anyone reads; a hostile body could have many thousands. */
const mostErrors = 100

export default fp(
  async app => {
    app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(error, request, reply))
    app.setNotFoundHandler((request, reply) => sendProblem(noRoute(request), request, reply))
    // Before the body of a request that leads nowhere is read.
    app.addHook('onRequest', async request => {
      if (request.is404) throw noRoute(request)
    })
  },
  { name: 'problems' },
)

/** Answers with an error, whatever kind it is. Also used for what fails before there is a route. */
export function sendProblem(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = translate(error, request)
  const { status, title } = problemKinds[problem.kind]
  // Whoever has gone gets no answer, and what stopped for it is no fault.
  if (status >= 500 && !reply.raw.destroyed) request.log.error({ err: error }, 'request failed')
  const body: Problem = {
    type: `urn:problem-type:loss-ledger:${problem.kind}`,
    title,
    status,
    detail: problem.message,
    instance: pathOf(request),
    requestId: request.id,
    ...(problem.errors && { errors: problem.errors.slice(0, mostErrors) }),
  }
  // Where there was no route to run hooks for, this is the only place that sets the common headers.
  return reply
    .code(status)
    .headers({ ...headersOf(request), ...problem.headers })
    .type('application/problem+json')
    .send(body)
}

/** Connections whose request may take longer to arrive than others. */
const patient = new WeakSet<object>()

/** Lets the request on a connection take as long as bytes keep coming. Returns what ends that. */
export function bePatient(socket: Socket): () => void {
  patient.add(socket)
  return () => void patient.delete(socket)
}

/** Answers what is not HTTP, or too long or too slow to be read: there is no request yet, only a connection. */
export function refuseConnection({ code }: { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && patient.has(socket)) return
  const statuses: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
  const status = statuses[code ?? ''] ?? 400
  const title = STATUS_CODES[status]
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: 'the request cannot be read' })
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  )
}

/** The path that was asked for, without the query. */
export const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0].slice(0, 1000)

const noRoute = (request: FastifyRequest) =>
  new ProblemError('not-found', `there is nothing at ${pathOf(request)}; /openapi.yaml lists what there is`)

/** The errors that Fastify throws before a handler runs, and what they are here. */
const frameworkErrors: Record<string, [ProblemKind, string]> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed-json', 'the body is not valid JSON'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'send the body as application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed-request', 'the body is not as long as content-length says'],
  FST_ERR_BAD_URL: ['malformed-request', 'the path has a malformed percent-encoding'],
  FST_ERR_MAX_PARAM_LENGTH: ['not-found', 'there is nothing here'],
}

/** What means: no connection, beside what the database's driver says (store/patience.ts). Prisma's, and no such host. */
const connectionErrors = new Set(['ENOTFOUND', 'P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037'])

function translate(error: Error & Partial<FastifyError>, request: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof SpecError) return specProblem(error)
  if (error.validation)
    return parameterProblem(error.validation, error.validationContext ?? 'query', parametersOf(request))
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new ProblemError('body-too-large', `the body is larger than ${sizeInWords(request)}`)
  const known = frameworkErrors[error.code ?? '']
  if (known) return new ProblemError(...known)
  if (error instanceof SyntaxError && error.statusCode === 400)
    return new ProblemError('malformed-json', 'the body is not valid JSON')
  if (connectionErrors.has(error.code ?? '') || isConnectionError(error))
    return new ProblemError('unavailable', 'something that this needs does not answer; try again', {
      headers: { 'retry-after': '5' },
    })
  if (isPassing(error))
    return new ProblemError('unavailable', 'the database has no room for this, or no time; try again', {
      headers: { 'retry-after': '5' },
    })
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new ProblemError('malformed-request', error.message)
  return new ProblemError('internal', 'the service failed; its log has more under this request id')
}

/** What a body of this route may have. */
function sizeInWords({ routeOptions: { bodyLimit = 2 ** 20 } }: FastifyRequest): string {
  return bodyLimit >= 2 ** 20 ? `${bodyLimit / 2 ** 20} MiB` : `${bodyLimit / 2 ** 10} KiB`
}

function specProblem({ errors }: SpecError): ProblemError {
  const count = errors.length === 1 ? '1 field is wrong' : `${errors.length} fields are wrong`
  return new ProblemError('invalid-spec', count, { errors })
}

/** The query parameters of the call that was asked for. */
function parametersOf(request: FastifyRequest): string[] {
  const { querystring } = (request.routeOptions.schema ?? {}) as { querystring?: JsonSchema }
  return Object.keys(querystring?.properties ?? {})
}

/**
 * Ajv's errors about a query, a header or a path. `parameters`: those that the query may have. A path that does not fit its
 * schema leads nowhere: 404.
 */
function parameterProblem(
  validation: FastifySchemaValidationError[],
  context: string,
  parameters: string[],
): ProblemError {
  const place = context === 'querystring' ? 'query' : context
  const errors = validation.map(({ instancePath, keyword, params, message }): FieldError => {
    const at = instancePath.replace(/^\//, '').replace(/\/(\d+)/g, '[$1]')
    if (keyword === 'additionalProperties') {
      const name = String(params.additionalProperty).slice(0, 100)
      const known =
        parameters.length === 0
          ? '; it has none'
          : `${didYouMean(name, parameters) || ';'} parameters: ${parameters.join(', ')}`
      return { path: `${place}.${name}`, message: `is not a parameter of this call${known}` }
    }
    const path = at === '' ? place : `${place}.${at}`
    if (keyword === 'required')
      return { path: `${place}.${params.missingProperty as string}`, message: 'is required' }
    if (keyword === 'enum')
      return { path, message: `must be one of ${(params.allowedValues as unknown[]).join(', ')}` }
    if (keyword === 'pattern') return { path, message: `must be ${wordsOf(params.pattern as string)}` }
    return { path, message: message ?? 'is wrong' }
  })
  if (place === 'params') return new ProblemError('not-found', 'there is nothing of this id', { errors })
  return new ProblemError(
    'invalid-parameters',
    place === 'headers' ? 'a header is wrong' : `a ${place} parameter is wrong`,
    { errors },
  )
}
