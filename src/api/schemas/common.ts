/** Schemas that several resources share: errors, identifiers, pages. */

import { worded } from '../../spec/patterns.ts'
import { type Static, type TSchema, Type } from '../../spec/type.ts'

/** A reference to a schema with an $id: one component in openapi.yaml, and the type of the schema in TypeScript. */
export function ref<T extends TSchema>(schema: T) {
  return Type.Unsafe<Static<T>>({ $ref: idOf(schema) })
}

/** The name of a schema among the components. */
export function idOf(schema: TSchema): string {
  if (!('$id' in schema)) throw new Error('a schema without $id is not a component')
  return String(schema.$id)
}

/** An object that refuses properties it does not know: every input is one. */
export const closed = { additionalProperties: false } as const

/** Gives a schema its name among the components of openapi.yaml. */
export function component<T extends TSchema>(id: string, schema: T): T & { $id: string } {
  return Object.assign(schema, { $id: id })
}

/** A finite number, or null where there is none to give: NaN and infinities never leave this API. */
export const FiniteOrNull = (description: string) =>
  Type.Unsafe<number | null>({ type: ['number', 'null'], description })

/** As `type: [x, 'null']`, which serialises faster than a union. */
export const StringOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })
export const IntegerOrNull = (description: string) =>
  Type.Unsafe<number | null>({ type: ['integer', 'null'], description })

export const Timestamp = (description: string) =>
  Type.Unsafe<string>({ type: 'string', format: 'date-time', description })
export const TimestampOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time', description })

// ------------------------------------------------------------------------------------------------ errors

export const FieldErrorSchema = component(
  'FieldError',
  Type.Object({
    path: Type.String({
      description:
        'Where: $.training.batchSize in a body, query.limit, params.id or headers.idempotency-key.',
      examples: ['$.training.batchSize'],
    }),
    message: Type.String({
      description: 'What is wrong and what would be right.',
      examples: ['must be at most trainExamples, 1000'],
    }),
  }),
)

export const Problem = component(
  'Problem',
  Type.Object(
    {
      type: Type.String({
        description: 'Which kind of problem, for programs: it stays the same when the words change.',
        examples: ['urn:problem-type:loss-ledger:invalid-spec'],
      }),
      title: Type.String({
        description: 'The kind of problem in words.',
        examples: ['The spec cannot be run'],
      }),
      status: Type.Integer({ description: 'The HTTP status.', examples: [422] }),
      detail: Type.String({ description: 'What happened this time.', examples: ['1 field is wrong'] }),
      instance: Type.String({ description: 'The path that was asked for.', examples: ['/v1/experiments'] }),
      requestId: Type.String({ description: 'Also in the logs and in the header x-request-id.' }),
      errors: Type.Optional(
        Type.Array(ref(FieldErrorSchema), {
          description: 'Every wrong field, where fields are what is wrong.',
        }),
      ),
    },
    { description: 'An error, as RFC 9457 has it.' },
  ),
)
export type Problem = Static<typeof Problem>

const problemDescriptions = {
  400: 'The request is not understood: malformed JSON, or a parameter that is wrong or unknown.',
  401: 'A key is needed, and there is none or it is not valid (LEDGER_AUTH=keys).',
  403: 'The key has not the scope that this needs.',
  404: 'There is no such thing, or it belongs to another tenant.',
  406: 'None of the media types in Accept can be had here.',
  408: 'The body arrives too slowly (LEDGER_MIN_UPLOAD_RATE).',
  409: 'The request contradicts the state of the resource.',
  410: 'It was there, and is lost or damaged.',
  412: 'It has been changed since the answer that If-Match names.',
  413: 'The body is larger than 1 MiB, an upload than LEDGER_MAX_UPLOAD_BYTES, or with it the tenant’s datasets than LEDGER_MAX_DATASETS_BYTES.',
  415: 'The body is not application/json, or for an upload multipart/form-data.',
  416: 'The range lies outside the object.',
  422: 'The spec cannot be run, or a file is not what it should be; `errors` names every wrong field.',
  429: 'Too many requests, event streams, large bodies at once or unfinished experiments; `Retry-After` says when to come back.',
  503: 'Something that is needed does not answer; try again later.',
} as const

/** The error responses of a route, for its `response` schema; 500 is always among them. */
export function problems(...statuses: (keyof typeof problemDescriptions)[]) {
  const response = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: ref(Problem) } },
  })
  return {
    ...Object.fromEntries(statuses.map(status => [status, response(problemDescriptions[status])])),
    500: response('A fault of the service; its log has more under the request id.'),
  }
}

/** What a conditional GET may say, and how it is answered where it holds. */
export const ConditionHeaders = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({ maxLength: 4000, description: 'ETags you have: 304 if it is still one of them.' }),
  ),
})
export const notModified = { 304: Type.Null({ description: 'You have it: `If-None-Match` names its ETag.' }) }

// ------------------------------------------------------------------------------------------- identifiers

/** Not `format: uuid`, which lets urn:uuid: through; Postgres does not. */
export const uuidPattern = worded(
  '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  'an id, a UUID: all 32 hexadecimal digits in five groups (the beginning of one is enough for the command line and the Python client, not here)',
)
export const exampleId = '0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d'

export const ExperimentParams = Type.Object({
  id: Type.String({
    pattern: uuidPattern,
    description: 'The experiment’s id, a UUID (version 7, so ids sort by age).',
    examples: [exampleId],
  }),
})

// ------------------------------------------------------------------------------------------------- pages

export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'Most items in the answer.' }),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'Where to go on: `nextCursor` of the answer before. Opaque.',
    }),
  ),
}

/** One page of items. */
export const Page = <T extends TSchema>(items: T, description: string) =>
  Type.Object(
    {
      items: Type.Array(items),
      nextCursor: StringOrNull('Pass it as `cursor` for the next page; null: this is the last.'),
    },
    { description },
  )
