/** The ledger of an experiment over time: loss, who lowered it, help fraction, residuals. One span and one split for all. */
import { useMemo } from 'preact/hooks'
import type { Experiment } from '../../../../clients/typescript/src/index.ts'
import { changeQuery } from '../../address.ts'
import { readColumns } from '../../columns.ts'
import { HeatFigure, StackFigure } from '../../figures/ledger.tsx'
import { HelpFigure, LossFigure, ResidualFigure, type Splits } from '../../figures/lines.tsx'
import { ledgerOf } from '../../figures/series.ts'
import { whole } from '../../format.ts'
import { ledger, save, useLoad } from '../../ledger.ts'
import { Failed } from '../../parts/small.tsx'

/** Rows of a curve, and spans of the ledger, that are asked for: more than a screen has pixels to show. */
const points = 800
export const columns = 400

/** The part of the run that the address names, and how to change it. */
export function useSpan(query: URLSearchParams, iterations: number) {
  const read = (name: string, otherwise: number) => {
    const value = Number(query.get(name) ?? otherwise)
    return Number.isInteger(value) && value >= 0 && value <= iterations ? value : otherwise
  }
  const from = read('from', 0)
  const to = read('to', iterations)
  const span: [number, number] = from < to ? [from, to] : [0, iterations]
  const zoom = (wanted?: [number, number]) =>
    changeQuery({
      from: wanted && wanted[0] > 0 ? String(wanted[0]) : undefined,
      to: wanted && wanted[1] < iterations ? String(wanted[1]) : undefined,
    })
  return { span, zoom }
}

export function splitOf(query: URLSearchParams, splits: readonly string[]): 'train' | 'validation' {
  const asked = query.get('split')
  return (asked !== null && splits.includes(asked) ? asked : splits[0]) as 'train'
}

export function LedgerTab(props: { experiment: Experiment; query: URLSearchParams; version: number }) {
  const { experiment, query, version } = props
  const { id, iterations, spec } = experiment
  const splits = spec.allocation.splits
  const split = splitOf(query, splits)
  const by = query.get('by') === 'variable' ? 'variable' : 'layer'
  const { span, zoom } = useSpan(query, iterations)
  const [from, to] = span
  const bucket = Math.ceil((to - from) / columns)
  const ends = experiment.status === 'succeeded' ? 'ended' : version
  const curves = useLoad(
    async () => {
      const tables = await Promise.all(
        splits.map(
          async split => [split, (await ledger.iterations(id, { split, from, to, points })).columns] as const,
        ),
      )
      return Object.fromEntries(tables.filter(([, { iteration }]) => iteration !== undefined)) as Splits
    },
    [from, to, ends],
    id,
  )
  const rows = useLoad(
    async signal => {
      const table = await readColumns(
        `/v1/experiments/${id}/allocations`,
        { split, by, from, to, bucket },
        { numbers: ['iteration', 'iterations', 'lca'], texts: [by], signal },
      )
      return ledgerOf({ ...table, name: table[by] })
    },
    [from, to, split, by, ends],
    id,
  )
  const table = (name: string, more: Record<string, string | number>) => () =>
    save(
      `/v1/experiments/${id}/${name}?${new URLSearchParams(
        Object.entries({ from, to, format: 'csv', ...more }).map(([key, value]) => [key, String(value)]),
      )}`,
      `${name}-${id}-${from}-${to}.csv`,
    )
  const perSplit = table('iterations', { split, points })
  const allocations = table('allocations', { split, by, bucket })
  const gutter = useGutter(rows.value?.names)
  const shared = { span, gutter, onZoom: zoom }
  const step = Math.max(1, Math.round((to - from) / 4))
  return (
    <div class="stack">
      <div class="row" role="group" aria-label="What the figures show">
        {splits.length > 1 && (
          <span class="row">
            {splits.map(one => (
              <button
                key={one}
                type="button"
                aria-pressed={one === split}
                onClick={() => changeQuery({ split: one === splits[0] ? undefined : one }, { replace: true })}
              >
                {one}
              </button>
            ))}
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
          {experiment.status !== 'succeeded' && '; what is allocated so far'}
        </span>
      </div>
      <Failed error={curves.error ?? rows.error} />
      {curves.value && <LossFigure splits={curves.value} {...shared} csv={perSplit} />}
      {rows.value && <StackFigure ledger={rows.value} split={split} {...shared} csv={allocations} />}
      {rows.value && (
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
      )}
      {curves.value && <HelpFigure splits={curves.value} {...shared} csv={perSplit} />}
      {curves.value && (
        <ResidualFigure
          splits={curves.value}
          {...shared}
          csv={perSplit}
          maxError={spec.allocation.maxError}
        />
      )}
    </div>
  )
}

/** The left margin of all figures: room for the longest name, within reason. */
export function useGutter(names: string[] = []): number {
  return useMemo(() => {
    const longest = Math.max(6, ...names.map(name => name.length))
    return Math.min(innerWidth < 640 ? 74 : 150, 22 + longest * 7)
  }, [names])
}
