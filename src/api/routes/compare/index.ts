/** Experiments beside each other: their specs, where they part, their layers, their losses. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { differencesOf } from '../../../spec/differences.ts'
import { type SplitName, splitNames } from '../../../spec/schema.ts'
import { sendJson } from '../../http/json.ts'
import { tableCompression } from '../../plugins/external/compression.ts'
import { invalidQuery } from '../../problem.ts'
import { notModified, problems } from '../../schemas/common.ts'
import {
  ComparedLayerRow,
  ComparedLossRow,
  ComparedSpecRow,
  CompareQuery,
  type Comparison,
  ComparisonAnswer,
} from '../../schemas/compare.ts'
import { TableHeaders, tableResponse, unbalancedHeader } from '../../schemas/tables.ts'
import { sendTable } from '../../tables/send.ts'
import { type Batch, batchOf, type Column, columnsOf } from '../../tables/table.ts'
import { axisOf } from './axis.ts'
import { compareLayers } from './layers.ts'
import { bucketsIn, compareLosses, type OnAxis } from './losses.ts'
import { type Member, readLineages, readMembers } from './members.ts'
import { warningsOf } from './warnings.ts'
import { compareWeights, mostBytes } from './weights.ts'

/** Rows of the ledger that one comparison may read, of all its experiments. */
const mostRead = 20_000_000
/** Spans that the losses are cut into: where nobody says how long they are, at the most, and in a table of their own. */
const usualBuckets = 500
const mostBuckets = { whole: 1000, table: 10_000 }

const csvExample =
  'split,layer,experiment,iterations,parameters,lca,standardError,helping,hurting,helpFractionOfMoved,helpFractionOfAll,lcaDifference,helpFractionDifference\ntrain,fc_1,0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d,200,78500,-1.21,,-3.4,2.19,0.612,0.507,,\n'

const rowsOf = { layers: ComparedLayerRow, losses: ComparedLossRow, specs: ComparedSpecRow }

const answer = tableResponse('The comparison, or one of its tables.', ComparisonAnswer, csvExample)
const response = {
  ...answer,
  content: {
    ...answer.content,
    'application/json': {
      schema: { type: 'object', additionalProperties: true, 'x-ref': ComparisonAnswer.$id },
    },
  },
}

type Query = { table?: string; split?: SplitName; from: number; to?: number; bucket?: number }

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/compare',
    {
      compress: tableCompression,
      config: { table: true },
      schema: {
        operationId: 'compareExperiments',
        tags: ['ledger'],
        summary: 'Compare experiments',
        description: `Experiments beside each other, the others against the first: in what their specs differ, where their weights begin to, what their layers did over the iterations that all have, and their losses. Those that started from one experiment (training.initial) are set beside each other by its iterations. As JSON all of it, or one \`table\`, in every format. A comparison reads at most ${mostRead.toLocaleString('en')} rows of ledgers and ${mostBytes / 2 ** 20} MiB of weights; with more rows it is a 400, with more weights it says that it is not known where they differ.`,
        headers: TableHeaders,
        querystring: CompareQuery,
        response: { 200: response, ...notModified, ...problems(400, 404, 406) },
      },
    },
    async (request, reply) => {
      const { query, caller, signal } = request
      const { table, format } = query
      const ids = query.experiments.toLowerCase().split(',')
      if (new Set(ids).size < ids.length) throw invalidQuery('experiments', 'must name each experiment once')
      if (table === undefined && (format ?? 'json') !== 'json')
        throw invalidQuery('table', `must say which, layers, losses or specs, where format is ${format}`)
      const members = await readMembers(app.db, caller, ids)
      const lineages = await readLineages(app.db, caller, members)
      const axis = axisOf(lineages)
      const placed = members.map(
        ({ id, iterations, spec }, i): OnAxis => ({
          ...{ id, iterations, offset: axis.offsets[i], splits: spec.allocation.splits },
        }),
      )
      const splits = splitsOf(placed, query.split)
      const span = commonSpan(placed, query)
      const buckets = bucketsOf(placed, query)
      checkWork(members, placed, splits, span, buckets, table)

      const head = {
        experiments: members.map(({ id, name, status, iterations, spec: { training } }, i) => ({
          ...{ id, name, status, iterations },
          parent: training.initial
            ? {
                experiment: training.initial.experiment,
                iteration: training.initial.iteration,
                state: training.initial.state === true,
              }
            : null,
          offset: axis.offsets[i],
        })),
        ...{ fork: axis.fork, span, warnings: warningsOf(members, axis.fork !== null) },
      }
      const layersOf = async () => (span ? compareLayers(app, caller, placed, splits, span, signal) : [])
      const losses = () => compareLosses(app.ledgerDb.pool, placed, splits, buckets, signal)
      const { differences, leftOut } = differencesOf(members.map(({ spec }) => spec))
      const unbalanced = head.warnings.find(({ about }) => about === 'unbalanced')
      const warning = unbalanced && `${unbalanced.message}: ${unbalanced.experiments.join(', ')}`
      if (table !== undefined) {
        const columns = columnsOf(rowsOf[table])
        const specs = differences.flatMap(({ path, values }) =>
          values.map((value, i) => ({
            ...{ path, experiment: ids[i], value: value === null ? null : JSON.stringify(value) },
          })),
        )
        const rows = async function* (): AsyncGenerator<object[]> {
          if (table === 'losses') yield* losses()
          else yield table === 'specs' ? specs : await layersOf()
        }
        const versions = members.map(({ version }) => version)
        return sendTable(request, reply, {
          head: { ...head, table },
          columns,
          batches: batchesOf(columns, rows()),
          ...(versions.every(version => version !== null) && { version: versions.join(' ') }),
          warning,
        })
      }
      const weights = await compareWeights(app, caller, members, lineages, axis, signal)
      const whole: Comparison = {
        ...{ ...head, weights, bucket: buckets.bucket, specsLeftOut: leftOut, specs: differences },
        ...{ layers: await layersOf(), losses: [] },
      }
      for await (const rows of losses()) whole.losses.push(...rows)
      reply.header('cache-control', 'private, no-cache')
      if (warning !== undefined) reply.header(unbalancedHeader, warning)
      return sendJson(reply, JSON.stringify(whole))
    },
  )
}
export default routes

async function* batchesOf(columns: Column[], rows: AsyncIterable<object[]>): AsyncGenerator<Batch> {
  for await (const some of rows) yield batchOf(columns, some as Record<string, unknown>[])
}

/** Those that any of them allocates, or the one that is asked for. Throws 400 where none has it. */
function splitsOf(placed: OnAxis[], split: SplitName | undefined): SplitName[] {
  const found = splitNames.filter(one => placed.some(({ splits }) => splits.includes(one)))
  if (split === undefined) return found
  if (!found.includes(split))
    throw invalidQuery('split', `these experiments allocate ${found.join(' and ')} only`)
  return [split]
}

/** What all have of what is asked for. */
function commonSpan(placed: OnAxis[], query: Query): { from: number; to: number } | null {
  const from = Math.max(query.from, ...placed.map(({ offset }) => offset))
  const ends = placed.map(({ offset, iterations }) => offset + iterations)
  const to = Math.min(query.to ?? Number.POSITIVE_INFINITY, ...ends)
  return from < to ? { from, to } : null
}

/** What any has of what is asked for, in spans. Throws 400 where they are too many, or none. */
function bucketsOf(placed: OnAxis[], query: Query) {
  const from = Math.max(query.from, Math.min(...placed.map(({ offset }) => offset)))
  const last = Math.max(...placed.map(({ offset, iterations }) => offset + iterations))
  const to = Math.min(query.to ?? last, last)
  if (query.from >= last) throw invalidQuery('from', `must be below ${last}, where the last of them ends`)
  if (from >= to) throw invalidQuery('to', `must be above ${from}, where the first of them begins`)
  const bucket = query.bucket ?? Math.ceil((to - from) / usualBuckets)
  const buckets = { from, to, bucket }
  const most = query.table === 'losses' ? mostBuckets.table : mostBuckets.whole
  if (bucketsIn(buckets) > most)
    throw invalidQuery(
      'bucket',
      `must be ≥ ${Math.ceil((to - from) / (most - 1))}, for [${from}, ${to}) to make at most ${most} spans${query.table ? '' : `; table=losses may have ${mostBuckets.table}`}`,
    )
  return buckets
}

/** Throws 400 where more of the ledgers would have to be read than one request may. */
function checkWork(
  members: Member[],
  placed: OnAxis[],
  splits: SplitName[],
  span: { from: number; to: number } | null,
  losses: { from: number; to: number },
  table: string | undefined,
): void {
  let rows = 0
  for (const [i, { offset, iterations, splits: own }] of placed.entries()) {
    const { variables, version } = members[i]
    const times = splits.filter(split => own.includes(split)).length
    if (table === undefined || table === 'losses')
      rows += times * Math.max(0, Math.min(losses.to, offset + iterations) - Math.max(losses.from, offset))
    // Of whole runs that have succeeded the sums are stored.
    const isStored = version !== null && span?.from === offset && span.to === offset + iterations
    if (span && !isStored && (table === undefined || table === 'layers'))
      rows += times * variables.length * (span.to - span.from)
  }
  if (rows > mostRead)
    throw invalidQuery(
      'to',
      `from and to must leave fewer iterations, or there must be fewer experiments: ${rows.toLocaleString('en')} rows would have to be read, and ${mostRead.toLocaleString('en')} may be`,
    )
}
