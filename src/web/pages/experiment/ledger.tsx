/** The ledger of an experiment over time: loss, who lowered it, help fraction, residuals. One span and one split for all. */
import { useMemo } from 'preact/hooks'
import { type Experiment, isFinished } from '../../../../clients/typescript/src/index.ts'
import { changeQuery } from '../../address.ts'
import { HeatFigure, StackFigure } from '../../figures/ledger.tsx'
import { HelpFigure, LossFigure, ResidualFigure } from '../../figures/lines.tsx'
import { gutterOf } from '../../figures/room.ts'
import { longestSpan } from '../../figures/series.ts'
import { whole } from '../../format.ts'
import { save } from '../../ledger.ts'
import { columns, lookOf, points, spanOf, takeCurves, takeRows } from '../../look.ts'
import { useLoad } from '../../parts/load.ts'
import { Failed, Later, Next, NothingAllocated } from '../../parts/small.tsx'
import { SplitButtons } from '../../parts/split-buttons.tsx'

/** The part of the run that the address names, and how to change it. */
export function useSpan(query: URLSearchParams, iterations: number) {
  const zoom = (wanted?: [number, number]) =>
    changeQuery({
      from: wanted && wanted[0] > 0 ? String(wanted[0]) : undefined,
      to: wanted && wanted[1] < iterations ? String(wanted[1]) : undefined,
    })
  return { span: spanOf(query, iterations), zoom }
}

export function LedgerTab(props: { experiment: Experiment; query: URLSearchParams; version: number }) {
  const { experiment, query, version } = props
  const { id, iterations, spec } = experiment
  const look = lookOf(experiment, query)
  const { splits, split, by, from, to } = look
  const { span, zoom } = useSpan(query, iterations)
  const ends = experiment.status === 'succeeded' ? 'ended' : version
  const curves = useLoad(signal => takeCurves(look, signal), [from, to], id, ends)
  const rows = useLoad(signal => takeRows(look, signal), [from, to, split, by], id, ends)
  const table = (name: string, more: Record<string, string | number>) => () =>
    save(
      `/v1/experiments/${id}/${name}?${new URLSearchParams(
        Object.entries({ from, to, format: 'csv', ...more }).map(([key, value]) => [key, String(value)]),
      )}`,
      `${name}-${id}-${from}-${to}.csv`,
    )
  const perSplit = table('iterations', { split, points })
  const allocations = table('allocations', { split, by, spans: columns })
  // Figures of nothing would have axes of their own making.
  const isEmpty =
    curves.value !== undefined && Object.keys(curves.value).length === 0 && rows.value?.starts.length === 0
  const ended = isFinished(experiment.status)
  const gutter = useGutter(rows.value?.names)
  const bucket = rows.value ? longestSpan(rows.value) : 1
  const shared = { span, gutter, onZoom: zoom }
  const step = Math.max(1, Math.round((to - from) / 4))
  return (
    <div class="stack">
      <div class="row" role="group" aria-label="What the figures show">
        {splits.length > 1 && (
          <span class="row">
            <SplitButtons splits={splits} split={split} />
          </span>
        )}
        <span class="row">
          {(['layer', 'variable'] as const).map(one => (
            <button
              key={one}
              type="button"
              aria-pressed={one === by}
              onClick={() => changeQuery({ by: one === 'layer' ? undefined : one }, { replace: true })}
            >
              by {one}
            </button>
          ))}
        </span>
        <span class="row">
          <button
            type="button"
            aria-label="Zoom in"
            disabled={to - from <= 4}
            onClick={() => zoom([from + step, to - step])}
          >
            +
          </button>
          <button
            type="button"
            aria-label="Zoom out"
            disabled={from === 0 && to === iterations}
            onClick={() => zoom([Math.max(0, from - 2 * step), Math.min(iterations, to + 2 * step)])}
          >
            −
          </button>
          <button
            type="button"
            aria-label="Earlier"
            disabled={from === 0}
            onClick={() => zoom([Math.max(0, from - step), to - Math.min(step, from)])}
          >
            ←
          </button>
          <button
            type="button"
            aria-label="Later"
            disabled={to === iterations}
            onClick={() => zoom([from + Math.min(step, iterations - to), Math.min(iterations, to + step)])}
          >
            →
          </button>
          <button type="button" disabled={from === 0 && to === iterations} onClick={() => zoom()}>
            All
          </button>
        </span>
        <span class="muted" role="status">
          iterations {whole(from)} to {whole(to)} of {whole(iterations)}
          {bucket > 1 && `; the ledger in spans of ${whole(bucket)}`}
          {!isEmpty &&
            experiment.status !== 'succeeded' &&
            `; what ${ended ? 'was allocated' : 'is allocated so far'}`}
        </span>
      </div>
      <Failed error={curves.error ?? rows.error} />
      {isEmpty && <NothingAllocated status={experiment.status} />}
      {!isEmpty && curves.value && <LossFigure splits={curves.value} {...shared} csv={perSplit} />}
      {!isEmpty && rows.value && (curves.value ?? curves.error) && (
        <Next>
          <StackFigure
            title={`Cumulative LCA by ${by}`}
            ledger={rows.value}
            split={split}
            {...shared}
            csv={allocations}
          />
          <HeatFigure
            ledger={rows.value}
            split={split}
            what={by}
            {...shared}
            csv={allocations}
            onPick={name =>
              changeQuery({
                tab: 'layers',
                layer: by === 'layer' ? name : name.slice(0, name.lastIndexOf('/')),
              })
            }
          />
        </Next>
      )}
      {!isEmpty && curves.value && (
        <Later>
          <HelpFigure splits={curves.value} {...shared} csv={perSplit} />
          <ResidualFigure
            splits={curves.value}
            {...shared}
            csv={perSplit}
            maxError={spec.allocation.maxError}
          />
        </Later>
      )}
    </div>
  )
}

/** The left margin of all figures of a tab. */
export function useGutter(names: string[] = []): number {
  return useMemo(() => gutterOf(names), [names])
}
