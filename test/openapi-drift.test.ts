/** openapi.yaml is what the routes say, and says it about every route. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse } from 'yaml'
import { clientSchemas } from '../clients/typescript/write-schemas.ts'
import { declareApi } from '../src/api/document.ts'

type Operation = {
  operationId: string
  summary?: string
  description?: string
  tags?: string[]
  parameters?: { name: string; description?: string }[]
  responses: Record<string, { description: string; content?: Record<string, unknown> }>
}
type Document = {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown> }
}

const { yaml, routes } = await declareApi()
const document = parse(yaml) as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

test('openapi.yaml and the types of the client are up to date: npm run openapi writes them', async () => {
  assert.equal(await readFile('openapi.yaml', 'utf8'), yaml)
  assert.equal(await readFile('clients/typescript/src/schemas.ts', 'utf8'), await clientSchemas(yaml))
})

test('every route is in the document', () => {
  const documented = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`)
  assert.ok(routes.length > 15)
  assert.deepEqual(documented.sort(), routes.sort())
})

test('every operation, parameter and response is described, and errors are problems', () => {
  const ids = new Set(operations.map(({ operation }) => operation.operationId))
  assert.equal(ids.size, operations.length)
  for (const { path, method, operation } of operations) {
    const where = `${method} ${path}`
    assert.ok(
      operation.operationId && operation.summary && operation.description && operation.tags?.length,
      where,
    )
    for (const { name, description } of operation.parameters ?? []) assert.ok(description, `${where} ${name}`)
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      assert.ok(description && description !== 'Default Response', `${where} ${status}`)
      if (Number(status) >= 400 && path !== '/readyz')
        assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], `${where} ${status}`)
    }
    assert.ok(
      Object.keys(operation.responses).some(status => Number(status) < 300),
      where,
    )
  }
})

test('every reference leads somewhere', () => {
  const references = yaml.matchAll(/\$ref: "?#\/components\/schemas\/([^"\s]+)/g)
  for (const [, name] of references) assert.ok(name in document.components.schemas, name)
  assert.doesNotMatch(yaml, /x-ref/)
})
