/** What an archive of an experiment holds, entry by entry; each is made when its turn comes. */
import type { FastifyInstance } from 'fastify'
import { diagnostics } from '../../../lca/diagnostics/registry.ts'
import type { Finding } from '../../../lca/findings/finding.ts'
import { MissingObjectError, type Objects, objectKey } from '../../../objects/objects.ts'
import { findArtifactsAfter, type StoredArtifact } from '../../../store/artifacts.ts'
import type { Reader } from '../../../store/experiments.ts'
import { readLogLines } from '../../../store/log-lines.ts'
import { jsonWith } from '../../http/json.ts'
import type { Table } from '../../tables/table.ts'
import { csvChunks } from '../../tables/text.ts'
import { allocationsTable } from '../allocations/table.ts'
import { diagnosticTable } from '../diagnostics/table.ts'
import { type FoundWhole, specOf } from '../experiments/query.ts'
import { iterationsTable } from '../iterations/table.ts'
import { layersTable } from '../layers/table.ts'
import { neuronsTable } from '../neurons/table.ts'
import { figuresOf } from './figures.ts'
import type { Packed } from './zip.ts'

type App = Pick<FastifyInstance, 'db' | 'ledgerDb' | 'objects'>
export type Wanted = { tensors: boolean }

/** A file of the archive, as its manifest names it. */
type File = { name: string; bytes: number; sha256: string }
type Missing = { name: string; why: string }

const json = (value: unknown) => [`${JSON.stringify(value, null, 2)}\n`]
const page = 200

/**
 * Everything there is of an experiment, the manifest last: who has it has all. What cannot be had any more, or not yet, is
 * named there, with why.
 */
export async function* entriesOf(
  app: App,
  caller: Reader,
  found: FoundWhole,
  { tensors }: Wanted,
  signal: AbortSignal,
): AsyncGenerator<Packed> {
  const { experiment, notes, specText } = found
  const { id, status } = experiment
  const spec = specOf(found)
  const { splits } = spec.allocation
  const files: File[] = []
  const missing: Missing[] = []
  const damaged: (File & { recorded: string })[] = []
  const file = (name: string, bytes: Packed['bytes'], compress = true): Packed => ({
    ...{ name, bytes, compress },
    done: (bytes, sha256) => void files.push({ name, bytes, sha256 }),
  })
  const csv = (name: string, table: Table) => file(name, csvChunks(table, { safe: false }))

  yield file('experiment.json', [jsonWith({ ...experiment, notes }, 'spec', specText)])
  yield file('spec.json', [specText])
  yield file('log.ndjson', logLines(app, id))
  const findings = await findingsOf(app, id)
  if (findings === null)
    missing.push({ name: 'findings.json', why: 'findings are made when an experiment has succeeded' })
  else yield file('findings.json', json(findings))

  let complete = true
  for (const split of splits) {
    const of = `tables/${split}`
    const layers = await layersTable(app, caller, id, { split, by: 'layer' }, signal)
    complete &&= layers.head.complete === true
    yield csv(`${of}/layers.csv`, layers)
    yield csv(`${of}/variables.csv`, await layersTable(app, caller, id, { split, by: 'variable' }, signal))
    yield csv(`${of}/iterations.csv`, await iterationsTable(app, caller, id, { split, from: 0 }, signal))
    const every = { split, by: 'variable' as const, from: 0, bucket: 1 }
    yield csv(`${of}/allocations.csv`, await allocationsTable(app, caller, id, every, signal))
    yield csv(`${of}/neurons.csv`, await neuronsTable(app, caller, id, { split }, signal))
    for (const diagnostic of diagnostics) {
      const { table, recorded } = await diagnosticTable(app, caller, id, diagnostic, { split }, signal)
      if (recorded) yield csv(`diagnostics/${split}/${diagnostic.name}.csv`, table)
    }
  }
  const figures = await figuresOf(app, caller, { ...experiment, spec }, signal)
  if (typeof figures === 'string') missing.push({ name: 'figures', why: figures })
  else for (const [name, svg] of Object.entries(figures)) yield file(`figures/${name}.svg`, [svg])

  for await (const object of artifactsOf(app, id)) {
    const name = `tensors/${object.name}`
    if (!tensors && object.name !== 'manifest.json') continue
    const key = objectKey(id, object.name)
    const stored = await app.objects.stat(key)
    const found = stored?.bytes === object.bytes ? await opened(app.objects, key) : undefined
    if (found === undefined) {
      const isShort = stored !== undefined && stored.bytes !== object.bytes
      missing.push({ name, why: isShort ? 'it is cut short' : 'the object store has it no more' })
      continue
    }
    try {
      yield {
        ...file(name, found.bytes, false),
        done(bytes, sha256) {
          files.push({ name, bytes, sha256 })
          // It is in already: who reads it is told.
          if (sha256 !== object.sha256) damaged.push({ name, bytes, sha256, recorded: object.sha256 })
        },
      }
    } finally {
      // Whoever has gone takes no bytes, and the file would stay open.
      found.close()
    }
  }
  if (!complete)
    missing.push({ name: 'tables', why: `the experiment is ${status}: they have what is allocated so far` })

  // Itself it cannot name: of this one nothing is recorded.
  yield {
    name: 'manifest.json',
    compress: true,
    bytes: json({
      ...{ experiment: id, name: experiment.name, status, made: new Date().toISOString() },
      ...{ complete: complete && status === 'succeeded', tensors },
      ...{ missing, damaged, files },
    }),
  }
}

/** The bytes of an object, the first of which have been read; undefined where it is not there. Whoever has it closes it. */
async function opened(objects: Objects, key: string) {
  const stream = objects.stream(key)
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]()
  try {
    const first = await chunks.next()
    const bytes = async function* () {
      for (let { value, done } = first; !done; { value, done } = await chunks.next()) yield value
    }
    return { bytes: bytes(), close: () => void stream.destroy() }
  } catch (error) {
    if (error instanceof MissingObjectError) return undefined
    throw error
  }
}

async function* logLines({ db }: App, id: string): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    const lines = await readLogLines(db, id, { after, limit: page })
    yield lines.map(({ number: _, ...line }) => `${JSON.stringify(line)}\n`).join('')
    if (lines.length < page) return
    after = lines[lines.length - 1].number
  }
}

async function findingsOf({ db }: App, id: string): Promise<Finding[] | null> {
  const { rows } = await db.pool.query<{ findings: Finding[] | null }>(
    `SELECT CASE status WHEN 'succeeded' THEN findings END AS findings FROM experiments WHERE id = $1`,
    [id],
  )
  return rows[0]?.findings ?? null
}

async function* artifactsOf({ db }: App, id: string): AsyncGenerator<StoredArtifact> {
  for (let after = ''; ; ) {
    const some = await findArtifactsAfter(db, id, after, page)
    yield* some
    if (some.length < page) return
    after = some[some.length - 1].name
  }
}
