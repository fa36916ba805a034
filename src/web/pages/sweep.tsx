/** One sweep: how far it is, and what it says together: variants by layers with intervals, and what differs from the baseline. */
import { useEffect } from 'preact/hooks'
import type { Sweep, SweepSummary, SweepSummaryRow } from '../../../clients/typescript/src/index.ts'
import { pairedInWords } from '../../figures/paired.ts'
import { changeQuery, linkTo } from '../address.ts'
import { colours, useTheme } from '../figures/colours.ts'
import { linear, rounded } from '../figures/scales.ts'
import { SvgButton } from '../figures/svg-button.tsx'
import { counted, isolated, number, shorten, signed, time, whole } from '../format.ts'
import { ledger, save } from '../ledger.ts'
import { useLoad } from '../parts/load.ts'
import { usePolling } from '../parts/poll.ts'
import { ActionButton, Failed, Status, Title } from '../parts/small.tsx'
import { SplitButtons } from '../parts/split-buttons.tsx'
import { Table } from '../parts/table.tsx'

const measures = {
  lca: 'LCA',
  helpFractionOfMoved: 'helped, of moved',
  helpFractionOfAll: 'helped, of all',
  finalLoss: 'final loss',
  finalAccuracy: 'final accuracy',
} as const
type Measure = keyof typeof measures
type Summary = Omit<SweepSummary, 'items'> & { items: SweepSummaryRow[] }

export function SweepPage({ id, query }: { id: string; query: URLSearchParams }) {
  const { value: sweep, error, reload } = useLoad(() => ledger.getSweep(id), [], id)
  usePolling(reload, 3000, sweep !== undefined && !sweep.finished)
  const measure = (query.get('measure') ?? 'lca') as Measure
  const split = query.get('split') === 'validation' ? 'validation' : 'train'
  const summary = useLoad(
    signal =>
      ledger.http.json<Summary>(`/v1/sweeps/${encodeURIComponent(id)}/summary`, {
        query: { measure, split },
        signal,
      }),
    [measure, split],
    id,
    sweep?.counts.succeeded,
  )
  const name = sweep && (sweep.name || sweep.id.slice(0, 13))
  useEffect(() => {
    if (name !== undefined) document.title = `${name.slice(0, 200)} · Loss Ledger`
  }, [name])
  if (!sweep) return error ? <Failed error={error} /> : <p class="muted">Loading …</p>
  const { counts, experimentCount } = sweep
  const ended = counts.succeeded + counts.failed + counts.cancelled
  return (
    <div class="stack">
      <div class="row">
        <div class="grow">
          <Title>{name}</Title>
        </div>
        <a class="button" href={linkTo(['experiments'], { sweep: id })}>
          Its experiments
        </a>
        <a class="button" href={linkTo(['overlay'], { sweep: id, by: 'variant' })}>
          Overlay curves
        </a>
        {!sweep.finished && (
          <ActionButton
            ask="Cancel what still runs or waits of this sweep?"
            act={async () => {
              await ledger.cancelSweep(id)
              reload()
            }}
          >
            Cancel
          </ActionButton>
        )}
        <ActionButton
          danger
          ask={`Delete this sweep with its ${counted(experimentCount, 'experiment')}? There is no way back.`}
          act={async () => {
            await ledger.deleteSweep(id)
            location.hash = linkTo(['sweeps'])
          }}
        >
          Delete
        </ActionButton>
      </div>
      <p class="muted">
        posted {time(sweep.createdAt)} · {counted(experimentCount, 'experiment')}: {whole(counts.succeeded)}{' '}
        succeeded, {whole(counts.training + counts.allocating)} running, {whole(counts.queued)} queued,{' '}
        {whole(counts.failed)} failed, {whole(counts.cancelled)} cancelled
      </p>
      {!sweep.finished && (
        <progress
          value={ended}
          max={experimentCount}
          aria-label={`${ended} of ${experimentCount} have ended`}
        />
      )}
      <Failed error={summary.error} />
      <div class="row" role="group" aria-label="What is compared">
        <SplitButtons splits={['train', 'validation']} split={split} />
        <select
          aria-label="Measure"
          value={measure}
          onChange={event => changeQuery({ measure: event.currentTarget.value }, { replace: true })}
        >
          {Object.entries(measures).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
        <button
          type="button"
          onClick={() =>
            save(`/v1/sweeps/${id}/summary?format=csv&measure=${measure}&split=${split}`, `sweep-${id}.csv`)
          }
        >
          CSV
        </button>
      </div>
      {summary.value && <SummaryView summary={summary.value} measure={measure} split={split} />}
      <Experiments sweep={sweep} />
    </div>
  )
}

const nameOfLayer = (layer: string | null) => layer ?? 'whole network'

function SummaryView({ summary, measure, split }: { summary: Summary; measure: Measure; split: string }) {
  const { items, variants, baseline, leftOut } = summary
  const layers = [...new Set(items.map(({ layer }) => layer))].sort(
    (a, b) => Number(b === null) - Number(a === null),
  )
  const rowOf = new Map(items.map(row => [JSON.stringify([row.variant, row.layer]), row]))
  const find = (variant: string, layer: string | null) => rowOf.get(JSON.stringify([variant, layer]))
  if (items.length === 0)
    return <p class="notice">There is nothing to summarise until an experiment has succeeded.</p>
  const show = measure === 'lca' ? signed : number
  return (
    <>
      {leftOut.length > 0 && (
        <div class="notice bad">
          {leftOut.length === 1
            ? '1 experiment is in no mean here, because its books do not balance:\n'
            : `${whole(leftOut.length)} experiments are in no mean here, because their books do not balance:\n`}
          {leftOut.slice(0, 10).map(({ experiment, variant, seed }) => (
            <a key={experiment} href={linkTo(['experiments', experiment])}>
              {`${variant.slice(0, 80)}, seed ${seed} `}
            </a>
          ))}
        </div>
      )}
      <Table
        label={`${measures[measure]} by variant and layer`}
        caption={`Mean of ${measures[measure]} over seeds, with the 95 % interval and the difference from ${baseline}`}
        headings={['Variant', ['n'], ...layers.map(layer => [shorten(nameOfLayer(layer), 28)] as const)]}
      >
        <tbody>
          {variants.map(({ label, seeds }) => (
            <tr key={label}>
              <th scope="row" style={{ position: 'static' }}>
                <span class="name" dir="auto">
                  {label.slice(0, 200)}
                </span>
                {label === baseline && label !== 'baseline' && <span class="muted"> (the baseline)</span>}
              </th>
              <td class="number">{seeds.length}</td>
              {layers.map(layer => {
                const row = find(label, layer)
                return (
                  <td key={layer} class="number">
                    {show(row?.mean)}
                    {row?.low != null && row.high != null && (
                      <span class="muted"> ± {number((row.high - row.low) / 2, 2)}</span>
                    )}
                    {row?.difference != null && (
                      <>
                        <br />
                        <small class={isSure(row) ? (row.difference < 0 ? 'helps' : 'hurts') : 'muted'}>
                          {signed(row.difference, 3)}
                          {isSure(row) ? ' *' : ''}
                        </small>
                      </>
                    )}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </Table>
      <p class="muted">
        Means over seeds with half their 95 % intervals; below, the difference from the baseline. An asterisk:
        its 95 % interval, {pairedInWords(items)}, has no 0 in it, seeds do not explain it (by chance so is
        one of twenty that do not differ).
      </p>
      <Forest {...{ layers, find, baseline, split, measure }} variants={variants.map(({ label }) => label)} />
    </>
  )
}

const isSure = ({ differenceLow: low, differenceHigh: high }: SweepSummaryRow) =>
  low !== null && high !== null && (low > 0 || high < 0)

/** Differences from the baseline with their intervals, a line for each variant in each layer. */
function Forest(props: {
  layers: (string | null)[]
  variants: string[]
  baseline: string
  split: string
  measure: Measure
  find(variant: string, layer: string | null): SweepSummaryRow | undefined
}) {
  const theme = useTheme()
  const others = props.variants.filter(label => label !== props.baseline).slice(0, 24)
  const rows = props.layers.flatMap(layer =>
    others.flatMap((label, v) => {
      const row = props.find(label, layer)
      return row?.difference == null ? [] : [{ layer, label, v, row, difference: row.difference }]
    }),
  )
  if (rows.length === 0) return null
  const palette = colours(others.length, theme)
  const ends = rows.flatMap(({ row, difference }) => [
    difference,
    row.differenceLow ?? difference,
    row.differenceHigh ?? difference,
  ])
  // In a narrow window a narrow one: what is drawn small cannot be read.
  const width = innerWidth < 640 ? 440 : 900
  const left = innerWidth < 640 ? 110 : 150
  const line = 16
  const group = others.length * line + 12
  const bottom = 12 + props.layers.length * group
  const all = rounded([Math.min(0, ...ends), Math.max(0, ...ends)], width < 900 ? 3 : 6)
  const x = linear(all, [left, width - 20])
  const sure = rows.filter(({ row }) => isSure(row))
  const says = `Of ${counted(rows.length, 'difference')} from ${isolated(shorten(props.baseline, 60))} on ${props.split}, ${sure.length} ${sure.length === 1 ? 'has' : 'have'} an interval without 0${
    sure.length === 0
      ? '.'
      : `: ${sure
          .slice(0, 6)
          .map(
            ({ label, layer, difference }) =>
              `${isolated(shorten(label, 60))} in ${nameOfLayer(layer)} ${signed(difference, 3)}`,
          )
          .join('; ')}${sure.length > 6 ? '; …' : '.'}`
  }`
  return (
    <figure class="card">
      <div class="head">
        <h2>
          Difference of {measures[props.measure]} from <bdi>{shorten(props.baseline, 60)}</bdi>
        </h2>
        <div class="tools">
          <SvgButton title={`differences of ${measures[props.measure]}`} />
        </div>
      </div>
      <div class="key">
        {others.map((label, v) => (
          <span key={label} dir="auto">
            <svg viewBox="0 0 14 11" aria-hidden="true">
              <circle cx="7" cy="5.5" r="4.5" fill={palette[v]} />
            </svg>
            {shorten(label, 60)}
          </span>
        ))}
      </div>
      <svg
        viewBox={`0 0 ${width} ${bottom + 28}`}
        role="img"
        aria-label={says}
        width="100%"
        style={{ maxWidth: `${width}px` }}
      >
        {x.ticks(width < 900 ? 3 : 6).map(tick => (
          <g key={tick}>
            <line x1={x(tick)} x2={x(tick)} y1="8" y2={bottom} stroke="var(--grid)" />
            <text class="muted" x={x(tick)} y={bottom + 18} text-anchor="middle">
              {number(tick, 3)}
            </text>
          </g>
        ))}
        <line x1={x(0)} x2={x(0)} y1="8" y2={bottom} stroke="var(--muted)" />
        {props.layers.map((layer, l) => (
          <text key={layer} x={left - 12} y={12 + l * group + group / 2} text-anchor="end">
            {shorten(nameOfLayer(layer), left < 150 ? 13 : 20)}
          </text>
        ))}
        {rows.map(({ layer, label, v, row, difference }) => {
          const y = 12 + props.layers.indexOf(layer) * group + 10 + v * line
          return (
            <g key={`${label} ${layer}`}>
              {row.differenceLow !== null && row.differenceHigh !== null && (
                <line
                  x1={x(row.differenceLow)}
                  x2={x(row.differenceHigh)}
                  y1={y}
                  y2={y}
                  stroke={palette[v]}
                  stroke-width="3"
                  opacity="0.5"
                  stroke-linecap="round"
                />
              )}
              <circle cx={x(difference)} cy={y} r="4.5" fill={palette[v]}>
                <title>{`${label}, ${nameOfLayer(layer)}: ${signed(difference, 3)} [${signed(row.differenceLow, 3)}, ${signed(row.differenceHigh, 3)}]`}</title>
              </circle>
            </g>
          )
        })}
      </svg>
      <figcaption>{says}</figcaption>
    </figure>
  )
}

function Experiments({ sweep: { experiments } }: { sweep: Sweep }) {
  return (
    <details>
      <summary>{counted(experiments.length, 'experiment')}</summary>
      <Table
        label="Experiments of the sweep"
        maxHeight="60vh"
        headings={['Status', 'Variant', ['Seed'], 'Experiment']}
      >
        <tbody>
          {experiments.map(({ id, status, variant, seed }) => (
            <tr key={id}>
              <td>
                <Status status={status} />
              </td>
              <td>
                <span class="name" dir="auto">
                  {variant.slice(0, 200)}
                </span>
              </td>
              <td class="number">{seed}</td>
              <td>
                <a class="mono" href={linkTo(['experiments', id])}>
                  {id}
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </details>
  )
}
