/** A diagnostic as a table: sums over groups and spans, or whatever rows it makes of what is stored. */
import type { FastifyInstance } from 'fastify'
import { joinBorders } from '../../../lca/diagnostics/borders.ts'
import type { Asked, Diagnostic, ReadFacts, Source, View } from '../../../lca/diagnostics/diagnostic.ts'
import { networkOf } from '../../../lca/diagnostics/follow.ts'
import { groupsOf } from '../../../lca/diagnostics/groups.ts'
import { checkRows } from '../../../lca/diagnostics/sums.ts'
import type { ResolvedDiagnostic } from '../../../spec/resolved.ts'
import { sourceOf } from '../../../store/diagnostics.ts'
import { readVariables } from '../../../store/summary.ts'
import { columnRules, type DiagnosticSchemas } from '../../schemas/diagnostics.ts'
import { groupVariables, type Ledger } from '../../tables/ledger.ts'
import { type Batch, batchOf, repeatedNames } from '../../tables/table.ts'

/** Rows of a batch, but for a span that has more. */
const batchRows = 2 ** 13

type Question = Partial<Asked> & { layer?: string[]; from: number; to: number }

/** The rows of the table, in batches. Throws 400 where one of the layers is none of the network's. */
export async function readDiagnostic(
  { db, ledgerDb }: Pick<FastifyInstance, 'db' | 'ledgerDb'>,
  { id, split, iterations }: Ledger,
  diagnostic: Diagnostic,
  options: ResolvedDiagnostic | undefined,
  { by, layer, from, to, bucket = 1 }: Question,
  signal: AbortSignal,
): Promise<AsyncIterable<Batch>> {
  await groupVariables(db, id, 'layer', layer)
  const network = networkOf(await readVariables(db, id))
  const facts: ReadFacts = { ...network, split, iterations, from, to, options }
  const { view } = diagnostic
  const asked: Asked = {
    ...{ layers: layer, from, to, bucket },
    by: by ?? view.query.by?.[0] ?? 'network',
  }
  const source = sourceOf(ledgerDb.pool, { id, split }, iterations, signal)
  if (network.variables.length === 0) return nothing()
  if (view.kind === 'sums') return readSums(view, source, facts, asked)
  const columns = columnRules(diagnostic)
  return (async function* () {
    for await (const rows of view.rows(source, facts, asked)) yield batchOf(columns, rows)
  })()
}

async function* nothing(): AsyncGenerator<Batch> {}

/**
 * Sums over the iterations of a span and the variables of a group, in the order of iterations and then of variables, of
 * the values that there are.
 */
export async function* readSums(
  { table, borders, sums, derived }: Extract<View, { kind: 'sums' }>,
  source: Source,
  facts: ReadFacts,
  asked: Asked,
): AsyncGenerator<Batch> {
  const { groups, groupOf } = groupsOf(facts, asked)
  const width = groups.length
  if (width === 0) return
  const spans = Math.max(1, Math.floor(batchRows / width))
  const names = sums.map(({ name }) => name)
  const fresh = () => ({
    begun: 0,
    iteration: new Int32Array(spans * width),
    iterations: new Int32Array(spans * width),
    sums: names.map(() => new Float64Array(spans * width).fill(Number.NaN)),
  })
  let made = fresh()
  const layer = repeatedNames(groups.map(group => group.layer))
  const variable = repeatedNames(groups.map(group => group.variable))
  const take = (): Batch => {
    const length = made.begun * width
    const of = Object.fromEntries(names.map((name, n) => [name, made.sums[n].subarray(0, length)]))
    const row: Record<string, number> = {}
    const more = derived.map(({ name }) => [name, new Float64Array(length)] as const)
    for (let at = 0; at < length; at++) {
      for (const name of names) row[name] = of[name][at]
      derived.forEach((rule, d) => {
        more[d][1][at] = rule.of(row)
      })
    }
    const batch = {
      length,
      values: {
        iteration: made.iteration.subarray(0, length),
        iterations: made.iterations.subarray(0, length),
        ...{ layer: layer(length), variable: variable(length), ...of, ...Object.fromEntries(more) },
      },
    }
    made = fresh()
    return batch
  }
  let span = Number.NaN
  const blocks = borders ? joinBorders(source, table, borders, groupOf.length, asked) : source(table, asked)
  for await (const block of blocks) {
    checkRows(block, groupOf.length)
    for (let iteration = block.from; iteration < block.to; iteration++) {
      const own = Math.floor(iteration / asked.bucket) * asked.bucket
      if (own !== span) {
        if (made.begun === spans) yield take()
        made.iteration.fill(own, made.begun * width, ++made.begun * width)
        span = own
      }
      const first = (made.begun - 1) * width
      for (let group = 0; group < width; group++) made.iterations[first + group]++
      const start = (iteration - block.from) * groupOf.length
      for (const [n, name] of names.entries()) {
        const values = block.columns[name]
        const into = made.sums[n]
        for (let v = 0; v < groupOf.length; v++) {
          const value = values[start + v]
          if (groupOf[v] < 0 || Number.isNaN(value)) continue
          const at = first + groupOf[v]
          into[at] = (Number.isNaN(into[at]) ? 0 : into[at]) + value
        }
      }
    }
  }
  if (made.begun > 0) yield take()
}

/** A line of names, and one of made-up values, for the docs of the API. */
export function csvExampleOf({ properties }: DiagnosticSchemas['row']): string {
  const names = Object.keys(properties)
  const cells = names.map(name => {
    const { type } = properties[name] as { type?: string | string[] }
    if ([type].flat().includes('string')) return name === 'layer' ? 'fc_1' : ''
    return type === 'integer' ? '0' : '-0.05'
  })
  return `${names.join(',')}\n${cells.join(',')}\n`
}
