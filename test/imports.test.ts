/** What a process reads when it starts: seconds of every start, and memory for as long as it runs. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Type } from '../src/spec/type.ts'

const built = fileURLToPath(new URL('..', import.meta.url))

/** The packages that a built file imports before it runs, itself or through others of ours, each with the way to it. */
function packagesOf(entry: string): Map<string, string> {
  const ways = new Map([[join(built, entry), entry]])
  const packages = new Map<string, string>()
  for (const [file, way] of ways) {
    // The compiler writes an import a statement, and leaves no types.
    const statements = /^(?:import|export)\b[^;]*?(?:from\s*)?(['"])([^'"]+)\1;/gm
    for (const [, , name] of readFileSync(file, 'utf8').matchAll(statements)) {
      const path = join(dirname(file), name)
      if (!name.startsWith('.')) packages.set(name, `${way} → ${name}`)
      else if (existsSync(path) && !ways.has(path)) ways.set(path, `${way} → ${relative(built, path)}`)
    }
  }
  return packages
}

const tensorflow = /^@tensorflow\//
const postgres = /^(pg|@prisma\/.*)$/
const cases: [entry: string, reads: RegExp, not: RegExp[]][] = [
  ['src/cli/main.js', /^commander$/, [tensorflow, postgres, /^(fastify|bullmq|ioredis|typebox|pino)$/]],
  ['src/cli/serve.js', /^fastify$/, [tensorflow, /^typebox$/]],
  ['workers/main.js', /^bullmq$/, [tensorflow, /^(fastify|typebox|ajv)$/]],
  ['workers/compute.js', tensorflow, [postgres, /^(fastify|bullmq|ioredis|typebox|ajv)$/]],
]
for (const [entry, reads, not] of cases)
  test(`${entry} reads what it needs, and none of ${not.map(String).join(', ')}`, () => {
    const packages = packagesOf(entry)
    assert.ok([...packages.keys()].some(name => reads.test(name)))
    const found = [...packages].filter(([name]) => not.some(one => one.test(name))).map(([, way]) => way)
    assert.deepEqual(found, [])
  })

test('schemas are what TypeBox would make of them, which no process reads', async () => {
  const { Type: theirs } = await import('typebox')
  const made = (type: typeof Type) => {
    const text = type.String({ maxLength: 3 })
    const all = type.Object(
      {
        ...{ text, number: type.Number({ minimum: 0 }), integer: type.Integer(), flag: type.Boolean() },
        ...{ nothing: type.Null(), anything: type.Unknown({ title: 'any' }), one: type.Literal('one') },
        ...{ two: type.Literal(2, { title: 'two' }), enum: type.Enum(['a', 'b'], { default: 'a' }) },
        either: type.Union([text, type.Integer()], { description: 'either' }),
        list: type.Array(type.Optional(text), { minItems: 1 }),
        record: type.Record(type.String(), type.Integer(), { description: 'counts' }),
        own: type.Unsafe<string>({ type: 'string', enum: ['x'] }),
        absent: type.Optional(type.Unsafe<string>({ type: 'string' })),
        again: type.Optional(type.Optional(text)),
      },
      { additionalProperties: false },
    )
    return [
      all,
      type.Object({ absent: type.Optional(text) }),
      type.Object({ there: { ...type.Optional(text) } }),
    ]
  }
  assert.equal(JSON.stringify(made(Type)), JSON.stringify(made(theirs as typeof Type)))
})
