/** Checks answers against openapi.yaml: what the contract does not say, the API must not do. */
import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { parse } from 'yaml'

type Content = Record<string, { schema?: object }>
type Operation = { operationId: string; responses: Record<string, { content?: Content }> }
type Document = { paths: Record<string, Record<string, Operation>> }

export type Answer = {
  method: string
  /** With its query. */
  path: string
  status: number
  headers: Record<string, string | undefined>
  /** Parsed, where it is JSON. */
  body: unknown
}

/** Where the test runner tells its tests of openapi.yaml as JSON, which every file of tests that has an API reads. */
export const contractVariable = 'TEST_CONTRACT'

const asJson = process.env[contractVariable]
/** openapi.yaml, which takes half a second to parse. */
export const contract: Document = asJson
  ? JSON.parse(readFileSync(asJson, 'utf8'))
  : parse(readFileSync('openapi.yaml', 'utf8'))
// `examples` and the like are not its business; formats are checked where they matter. That the document itself is one is
// held by api-conformance.test.ts: every file of tests would compile the schema of schemas for it.
const ajv = new Ajv2020({
  ...{ strict: false, validateFormats: false, validateSchema: false },
  // Code that is shared by all schemas that refer to the same, and is not optimized: it checks few answers.
  ...{ inlineRefs: false, code: { optimize: false } },
})
ajv.addSchema({ $id: 'openapi', ...contract })

const routes = Object.entries(contract.paths)
  .map(([template, methods]) => {
    const pattern = template
      .replaceAll(/[.+]/g, '\\$&')
      .replace('{name}', '.*')
      .replaceAll(/\{\w+\}/g, '[^/]+')
    return { template, methods, pattern: new RegExp(`^${pattern}$`) }
  })
  // The more literal first: /experiments/preview is not an {id}.
  .sort((a, b) => a.template.split('{').length - b.template.split('{').length)

/** Every operation of the document. */
export const operationIds = routes.flatMap(({ methods }) =>
  Object.values(methods).map(({ operationId }) => operationId),
)

/** One per schema: compiling is what takes long. */
const validators = new Map<string, ValidateFunction>()

function validator(ref: string): ValidateFunction {
  const known = validators.get(ref)
  if (known) return known
  const made = ajv.compile({ $ref: `openapi#${ref}` })
  validators.set(ref, made)
  return made
}

const pointer = (...parts: string[]) =>
  parts.map(part => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')

/** Which operation answered, and what about the answer is not as the document says. */
export function check({ method, path, status, headers, body }: Answer): {
  operation?: string
  problem?: string
} {
  // A slash at the end says nothing.
  const bare = path.split('?', 1)[0].replace(/(?<=.)\/$/, '')
  const route = routes.find(({ pattern }) => pattern.test(bare))
  const verb = method.toLowerCase()
  const operation = route?.methods[verb] ?? (verb === 'head' ? route?.methods.get : undefined)
  const type = headers['content-type']?.split(';', 1)[0]
  const where = `${method} ${bare}: ${status} ${type ?? ''}`
  const validate = (ref: string) => {
    const fits = validator(ref)
    return fits(body) ? undefined : `${where}: ${ajv.errorsText(fits.errors)}`
  }
  // Where there is no operation, or the request never reached it, there is a problem.
  if (!route || !operation || status === 405 || status === 421) {
    if (status < 400) return { problem: `${where} is no operation of the document` }
    return { problem: verb === 'head' ? undefined : validate(pointer('components', 'schemas', 'Problem')) }
  }
  const found = { operation: operation.operationId }
  const response = operation.responses[status]
  if (!response) return { ...found, problem: `${where} is not documented` }
  if (verb === 'head' || status === 204 || status === 304) return found
  const content = response.content ?? {}
  const documented = type !== undefined && type in content ? type : '*/*' in content ? '*/*' : undefined
  if (documented === undefined) return { ...found, problem: `${where}: the type is not documented` }
  if (!/^application\/(problem\+)?json$/.test(documented)) return found
  const at = pointer(
    'paths',
    route.template,
    verb,
    'responses',
    String(status),
    'content',
    documented,
    'schema',
  )
  return { ...found, problem: validate(at) }
}
