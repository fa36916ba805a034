/** A report in one file: the figures of an experiment over data that lies in the page itself. */
import { render } from 'preact'
import { useState } from 'preact/hooks'
import type { Experiment, FindingList } from '../../clients/typescript/src/index.ts'
import { type Explained, placeOf } from '../figures/explained.ts'
import { ExplainedFigures, Place } from './figures/explained.tsx'
import { LayersTable, type Tables } from './figures/layers-table.tsx'
import { HeatFigure, StackFigure } from './figures/ledger.tsx'
import { HelpFigure, LossFigure, ResidualFigure } from './figures/lines.tsx'
import { gutterOf } from './figures/room.ts'
import type { Ledger, Splits } from './figures/series.ts'
import { counted, whole } from './format.ts'
import { Findings } from './parts/findings.tsx'
import './style.css'
import { SplitButtons } from './parts/split-buttons.tsx'

/** What src/cli/html-report.ts writes. A number that is none is null in JSON. */
export type ReportData = {
  experiment: Experiment
  /** Where it was read, and when. */
  source: string
  readAt: string
  /** Iterations of a span of the ledger. */
  bucket: number
  curves: Record<string, Record<string, (number | null)[]>>
  ledgers: Record<string, { names: string[]; starts: number[]; ends: number[]; lca: (number | null)[][] }>
  layers: Tables
  findings: FindingList
  explained: Record<string, Explained>
}

const numbers = (values: (number | null)[]) => Float64Array.from(values, value => value ?? Number.NaN)

function Report({ data }: { data: ReportData }) {
  const { experiment, curves, ledgers, layers, findings, explained } = data
  const { spec, summary } = experiment
  const names = spec.allocation.splits
  const { iterations } = spec.training
  const [split, setSplit] = useState<string>(names[0])
  const [span, setSpan] = useState<[number, number]>([0, iterations])
  const [made] = useState(() => ({
    splits: Object.fromEntries(
      Object.entries(curves).map(([split, columns]) => [
        split,
        Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, numbers(values)])),
      ]),
    ) as unknown as Splits,
    ledgers: Object.fromEntries(
      Object.entries(ledgers).map(([split, { lca, ...rest }]) => [split, { ...rest, lca: lca.map(numbers) }]),
    ) as Record<string, Ledger>,
  }))
  const shared = {
    ...{ span, gutter: gutterOf(made.ledgers[split].names) },
    onZoom: (wanted?: [number, number]) => setSpan(wanted ?? [0, iterations]),
  }
  // What the first findings say is said there.
  const whose = Object.entries(summary?.unbalanced ?? {}).filter(
    ([split]) => !findings.items.some(one => one.rule === 'unbalanced' && one.split === split),
  )
  return (
    <main class="stack">
      <h1 dir="auto">{experiment.name || experiment.id}</h1>
      <p class="muted">
        {experiment.dataset}, {experiment.architecture}, {counted(iterations, 'iteration')},{' '}
        {experiment.status} · {experiment.id} at {data.source}, read {data.readAt}
      </p>
      {whose.length > 0 && (
        <div class="notice bad">{whose.map(([split, one]) => `${split}: ${one?.message}`).join('\n')}</div>
      )}
      <h2>Findings</h2>
      <Findings
        {...findings}
        show={finding => {
          const { table, from, to } = placeOf(finding, iterations)
          const place = { iterations: 'ledger', allocations: 'ledger', units: 'layers' }[table] ?? table
          return {
            href: `#figure-${place}`,
            onClick: () => {
              setSplit(finding.split)
              setSpan([from, to])
            },
          }
        }}
      />
      <div class="row">
        <SplitButtons splits={names} split={split} choose={setSplit} />
        <button
          type="button"
          disabled={span[0] === 0 && span[1] === iterations}
          onClick={() => setSpan([0, iterations])}
        >
          All iterations
        </button>
        <span class="muted">
          {data.bucket > 1 && `The ledger in spans of ${whole(data.bucket)} iterations. `}Drag in a figure to
          zoom.
        </span>
      </div>
      <LossFigure splits={made.splits} {...shared} />
      <Place name="ledger">
        <StackFigure ledger={made.ledgers[split]} split={split} {...shared} />
      </Place>
      <HeatFigure ledger={made.ledgers[split]} split={split} {...shared} />
      <HelpFigure splits={made.splits} {...shared} />
      <ResidualFigure splits={made.splits} {...shared} maxError={spec.allocation.maxError} />
      <ExplainedFigures explained={explained[split]} split={split} {...shared} />
      <h2 id="figure-layers">Layers</h2>
      <LayersTable tables={layers} what="Layer" />
      <details>
        <summary>Resolved spec</summary>
        <pre tabIndex={0}>{JSON.stringify(spec, null, 2)}</pre>
      </details>
    </main>
  )
}

const data = JSON.parse(document.getElementById('data')!.textContent!) as ReportData
render(<Report data={data} />, document.getElementById('app')!)
