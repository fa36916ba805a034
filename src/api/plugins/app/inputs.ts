/** How inputs are read and checked: JSON bodies, query strings, headers and paths. */
import { Ajv } from 'ajv'
import fp from 'fastify-plugin'
import { Type } from '../../../spec/type.ts'
import { parseJson } from '../../json.ts'
import { textOf } from '../../malformed.ts'
import { ProblemError } from '../../problem.ts'
import { closed } from '../../schemas/common.ts'
import { ExperimentStatus } from '../../schemas/experiments.ts'

const noQuery = Type.Object({}, closed)

/** A body that is not parsed on the event loop: 1 MiB of JSON can take 300 ms. */
export class UnparsedBody {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * Bytes of a body that is parsed at once, and whose spec is resolved at once: both take a few milliseconds. So does each
 * experiment of such a sweep, and the event loop gets its turn after each.
 */
export const small = 2 ** 13

export default fp(
  async app => {
    // JSON only. An empty body is no body: many clients send the content type with a bodiless POST or DELETE.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
      body.length > small ? new UnparsedBody(textOf(body)) : parseJson(textOf(body)),
    )
    // Before it is read: nobody unzips what a stranger sends, and unread it would only be called malformed.
    app.addHook('preParsing', async request => {
      const coding = request.headers['content-encoding'] ?? 'identity'
      if (coding.toLowerCase() === 'identity' || request.method === 'GET' || request.method === 'HEAD') return
      throw new ProblemError(
        'unsupported-media-type',
        `the body has content-encoding: ${coding.slice(0, 100)}; send it as it is, without that header (files of an upload may be gzipped, each of them)`,
        { headers: { 'accept-encoding': 'identity' } },
      )
    })

    // Text of a query becomes numbers and lists; everything that is wrong is reported at once.
    // strictNumbers would leave the bounds of an infinite number (1e999) unchecked; every number here has bounds.
    const ajv = new Ajv({
      ...{ coerceTypes: 'array', useDefaults: true, allErrors: true },
      ...{ allowUnionTypes: true, strictNumbers: false },
      // Optimizing the code takes longer, at every start, than the unoptimized code takes for thousands of queries.
      code: { optimize: false },
    })
    ajv.addSchema(ExperimentStatus, ExperimentStatus.$id)
    // A route that says nothing about its query takes none.
    app.addHook('onRoute', route => {
      if (route.path.startsWith('/v1/')) route.schema = { querystring: noQuery, ...route.schema }
    })
    // A spec is checked by src/spec/resolve.ts, which knows more than a schema can say and words it for its author; its
    // schema in the route is for openapi.yaml.
    app.setValidatorCompiler(({ schema, httpPart }) =>
      httpPart === 'body' ? () => true : ajv.compile(schema as object),
    )
  },
  { name: 'inputs' },
)
