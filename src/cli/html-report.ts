/** A report as one HTML file that is alive offline: the figures of the pages (src/web/report.tsx) with their data in it. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Experiment, LedgerClient } from '../../clients/typescript/src/index.ts'
import { readExplained } from '../figures/explained.ts'
import { UsageError } from './exit.ts'

/** More than a screen has pixels to show. */
const points = 2000
const columns = 600

type Split = 'train' | 'validation'
type Columns = Record<string, ArrayLike<number>>

const built = (name: string) =>
  readFile(new URL(`../../report/${name}`, import.meta.url), 'utf8').catch(() => {
    throw new UsageError('the figures of HTML reports are not built: npm run setup')
  })

/** The text of the file. Throws UsageError where nothing is allocated yet. */
export async function htmlReport(
  ledger: LedgerClient,
  experiment: Experiment,
  source: string,
): Promise<string> {
  const { id, spec, status } = experiment
  const { splits } = spec.allocation
  const bucket = Math.ceil(spec.training.iterations / columns)
  const bySplit = async <T>(read: (split: Split) => Promise<T>) =>
    Object.fromEntries(await Promise.all(splits.map(async split => [split, await read(split)] as const)))
  const [curves, ledgers, layers, findings, explained] = await Promise.all([
    bySplit(async split => {
      const { columns } = await ledger.iterations(id, { split, points })
      return Object.fromEntries(
        Object.entries(columns as Columns).map(([name, values]) => [name, listed(values)]),
      )
    }),
    bySplit(async split => matrixOf((await ledger.allocations(id, { split, bucket })).columns)),
    Promise.all(
      splits.map(async split => {
        const { total, items } = await ledger.http.json<{ total: unknown; items: unknown[] }>(
          `/v1/experiments/${id}/layers`,
          { query: { split } },
        )
        return { split, total, items }
      }),
    ),
    ledger.findings(id),
    bySplit(split => readExplained(ledger, id, { split, from: 0, to: spec.training.iterations, bucket })),
  ])
  if (Object.values(ledgers).some(({ starts }) => starts.length === 0))
    throw new UsageError(`${id} is ${status}: nothing of it is allocated yet`)
  const readAt = new Date().toISOString().slice(0, 16).replace('T', ' ')
  return pageOf(experiment.name ?? id, {
    experiment,
    source,
    readAt: `${readAt} UTC`,
    bucket,
    curves,
    ledgers,
    layers,
    findings,
    explained,
  })
}

/** Numbers with as many digits as a figure shows; null where there is none. */
const listed = (values: ArrayLike<number>) =>
  Array.from(values, value => (Number.isFinite(value) ? Number(value.toPrecision(7)) : null))

/** The rows of /allocations, by iteration and then layer, as a row for each layer. */
function matrixOf(columns: {
  iteration?: ArrayLike<number>
  iterations?: ArrayLike<number>
  layer?: string[]
  lca?: ArrayLike<number>
}) {
  const { iteration = [], iterations = [], layer = [], lca = [] } = columns
  const names = [...new Set(layer)]
  const each = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => i % names.length === 0)
  const starts = each(iteration)
  const lengths = each(iterations)
  return {
    ...{ names, starts, ends: starts.map((start, i) => start + lengths[i]) },
    lca: names.map((_, row) => listed(Array.from(lca).filter((_, i) => i % names.length === row))),
  }
}

async function pageOf(title: string, data: object): Promise<string> {
  const [script, style] = await Promise.all([built('report.js'), built('report.css')])
  // Nothing in it may end the element it stands in; in a script \/ is / and in JSON \u003c is <.
  const code = script.replaceAll(/<\/(?=script)/gi, '<\\/').replaceAll('<!--', '<\\!--')
  if (/<\/style/i.test(style)) throw new Error('the stylesheet ends its own element')
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const policy = `default-src 'none'; script-src ${hash(code)}; style-src ${hash(style)}; img-src data: blob:; base-uri 'none'; form-action 'none'`
  const json = JSON.stringify(data).replaceAll('<', '\\u003c')
  const words = title.replaceAll(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="content-security-policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${words} · Loss Ledger</title><style>${style}</style></head>
<body><div id="app"></div><script type="application/json" id="data">${json}</script><script>${code}</script></body></html>
`
}
