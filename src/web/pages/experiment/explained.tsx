/** What the numbers support, and the figures of what was recorded beside the ledger. One span and one split for all. */
import { useEffect } from 'preact/hooks'
import type { Experiment } from '../../../../clients/typescript/src/index.ts'
import { type Finding, placeOf, readExplained } from '../../../figures/explained.ts'
import { linkTo } from '../../address.ts'
import { ExplainedFigures } from '../../figures/explained.tsx'
import { whole } from '../../format.ts'
import { ledger, save } from '../../ledger.ts'
import { columns, splitOf } from '../../look.ts'
import { Findings } from '../../parts/findings.tsx'
import { useLoad } from '../../parts/load.ts'
import { Failed } from '../../parts/small.tsx'
import { SplitButtons } from '../../parts/split-buttons.tsx'
import { useGutter, useSpan } from './ledger.tsx'

/** Where a finding is seen: the ledger, a layer's units, or the figure of its diagnostic below. */
export function linkOf(id: string, finding: Finding, iterations: number): string {
  const { table, from, to } = placeOf(finding, iterations)
  const span = { from: String(from), to: String(to) }
  const { split, layer } = finding
  if (table === 'units') return linkTo(['experiments', id], { tab: 'layers', layer: layer ?? undefined })
  if (table === 'iterations' || table === 'allocations')
    return linkTo(['experiments', id], { split, ...span })
  return linkTo(['experiments', id], { tab: 'findings', split, ...span, figure: table })
}

export function ExplainedTab(props: { experiment: Experiment; query: URLSearchParams; version: number }) {
  const { experiment, query, version } = props
  const { id, iterations, spec } = experiment
  const splits = spec.allocation.splits
  const split = splitOf(query, splits)
  const { span, zoom } = useSpan(query, iterations)
  const [from, to] = span
  const bucket = Math.ceil((to - from) / columns)
  const ends = experiment.status === 'succeeded' ? 'ended' : version
  const findings = useLoad(() => ledger.findings(id), [], id, ends)
  const explained = useLoad(
    () => readExplained(ledger, id, { split, from, to, bucket }),
    [from, to, split],
    id,
    ends,
  )
  const gutter = useGutter(explained.value?.peaks?.names)
  const figure = query.get('figure')
  const ready = explained.value !== undefined
  useEffect(() => {
    if (figure !== null && ready) document.getElementById(`figure-${figure}`)?.scrollIntoView()
  }, [figure, ready])
  const csv = (name: string) =>
    save(
      `/v1/experiments/${id}/diagnostics/${name}?${new URLSearchParams({ split, from: String(from), to: String(to), format: 'csv' })}`,
      `${name}-${id}-${from}-${to}.csv`,
    )
  return (
    <div class="stack">
      <Failed error={findings.error ?? explained.error} />
      {findings.value && (
        <Findings {...findings.value} show={finding => ({ href: linkOf(id, finding, iterations) })} />
      )}
      <div class="row" role="group" aria-label="What the figures show">
        {splits.length > 1 && <SplitButtons splits={splits} split={split} />}
        <button type="button" disabled={from === 0 && to === iterations} onClick={() => zoom()}>
          All iterations
        </button>
        <span class="muted" role="status">
          iterations {whole(from)} to {whole(to)} of {whole(iterations)}
          {bucket > 1 && `, in spans of ${whole(bucket)}`}
        </span>
      </div>
      {explained.value && Object.keys(explained.value).length === 0 && (
        <p class="muted">
          No diagnostics are recorded of these iterations
          {experiment.status === 'succeeded' && ': the spec’s allocation.diagnostics names those that are'}.
        </p>
      )}
      {explained.value && (
        <ExplainedFigures explained={explained.value} {...{ split, span, gutter, csv }} onZoom={zoom} />
      )}
    </div>
  )
}
