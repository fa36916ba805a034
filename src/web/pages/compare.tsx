/** Two to ten experiments beside each other: losses, what the ledger sums up to, layers, and in what their specs differ. */
import { useMemo } from 'preact/hooks'
import type { Experiment, IterationRow } from '../../../clients/typescript/src/index.ts'
import { changeQuery, linkTo } from '../address.ts'
import { colours, useTheme } from '../figures/colours.ts'
import { Key } from '../figures/lines.tsx'
import { Plot, type Series } from '../figures/plot.tsx'
import { indexAt } from '../figures/series.ts'
import { isolated, number, percent, shorten, signed, whole } from '../format.ts'
import { ledger, useLoad } from '../ledger.ts'
import { Failed, nameOf, Status, Title } from '../parts/small.tsx'

const most = 10
const points = 600

type One = {
  experiment: Experiment
  rows: IterationRow[]
  layers: { layer: string; lca: number | null }[]
}

export function ComparePage({ query }: { query: URLSearchParams }) {
  const ids = [...new Set(query.getAll('id'))].slice(0, most)
  const split = query.get('split') === 'validation' ? 'validation' : 'train'
  const { value, error } = useLoad(
    async signal =>
      Promise.all(
        ids.map(async (id): Promise<One> => {
          const experiment = await ledger.get(id)
          if (!experiment.spec.allocation.splits.includes(split)) return { experiment, rows: [], layers: [] }
          const path = `/v1/experiments/${id}`
          // One after the other: a tenant may read so many tables at a time, and others read too.
          const { items: rows } = await ledger.http.json<{ items: IterationRow[] }>(`${path}/iterations`, {
            query: { split, points },
            signal,
          })
          const { items: layers } = await ledger.http.json<{ items: One['layers'] }>(`${path}/layers`, {
            query: { split },
            signal,
          })
          return { experiment, rows, layers }
        }),
      ),
    [split],
    ids.join(),
  )
  return (
    <div class="stack">
      <Title>Compare</Title>
      <div class="row" role="group" aria-label="Split">
        {(['train', 'validation'] as const).map(one => (
          <button
            key={one}
            type="button"
            aria-pressed={one === split}
            onClick={() => changeQuery({ split: one === 'train' ? undefined : one }, { replace: true })}
          >
            {one}
          </button>
        ))}
      </div>
      <Failed error={error} />
      {ids.length < 2 && <p class="notice">Select 2 to {most} experiments in the table of experiments.</p>}
      {value && ids.length > 0 && <Beside all={value} split={split} />}
    </div>
  )
}

function Beside({ all, split }: { all: One[]; split: string }) {
  const theme = useTheme()
  const palette = colours(all.length, theme)
  const labels = labelsOf(all.map(({ experiment }) => nameOf(experiment)))
  const longest = Math.max(1, ...all.map(({ experiment }) => experiment.iterations))
  const lines = (pointOf: (row: IterationRow) => [number, number | null]) =>
    overlaid(all, labels, palette, pointOf)
  const loss = useMemo(() => lines(row => [row.iteration, row.loss]), [all, theme])
  const help = useMemo(() => lines(row => [row.iteration, row.helpFractionOfMoved]), [all, theme])
  const finals = all.map(({ rows }) => rows[rows.length - 1]?.lossAfter ?? null)
  const says = `The ${split} loss ends at ${labels.map((label, i) => `${number(finals[i])} (${isolated(label)})`).join(', ')}.`
  return (
    <>
      <Plot
        title={`Loss on ${split}`}
        says={says}
        {...loss}
        span={[0, longest]}
        gutter={64}
        height={280}
        read={reading(loss)}
      >
        <Key series={loss.series} />
      </Plot>
      <Plot
        title={`Help fraction on ${split}`}
        says="Of the allocations that are not zero, the share that helped, by iteration."
        {...help}
        span={[0, longest]}
        gutter={64}
        height={200}
        read={reading(help, value => percent(value, 1))}
      >
        <Key series={help.series} />
      </Plot>
      <Tables all={all} labels={labels} palette={palette} split={split} />
    </>
  )
}

/** Names that are alike get a number. */
function labelsOf(names: string[]): string[] {
  return names.map((name, i) => {
    const label = shorten(name, 60)
    const same = names.slice(0, i).filter(other => shorten(other, 60) === label).length
    return same === 0 ? label : `${label} (${same + 1})`
  })
}

type Overlay = { x: number[]; series: Series[] }
function overlaid(
  all: One[],
  labels: string[],
  palette: string[],
  pointOf: (row: IterationRow) => [number, number | null],
): Overlay {
  const maps = all.map(({ rows }) => new Map(rows.map(pointOf)))
  const x = [...new Set(maps.flatMap(map => [...map.keys()]))].sort((a, b) => a - b)
  return {
    x,
    series: maps.map((map, i) => ({
      label: labels[i],
      colour: palette[i],
      values: x.map(at => map.get(at) ?? null),
    })),
  }
}

const reading =
  ({ x, series }: Overlay, format: (value: number) => string = value => number(value)) =>
  (at: [number, number] | null): string => {
    if (at === null || x.length === 0) return ''
    const near = Math.max(0, indexAt(x, at[0] + 0.5))
    return `iteration ${whole(x[near])} · ${series
      .map(({ label, values }) => {
        let i = near
        while (i > 0 && values[i] === null) i--
        const value = values[i]
        return `${isolated(shorten(label, 24))} ${value === null ? '–' : format(value)}`
      })
      .join(' · ')}`
  }

function Tables({
  all,
  labels,
  palette,
  split,
}: {
  all: One[]
  labels: string[]
  palette: string[]
  split: string
}) {
  const layers = [...new Set(all.flatMap(({ layers }) => layers.map(({ layer }) => layer)))]
  const specs = all.map(({ experiment: { spec } }) => flattened(spec))
  const fields = [...new Set(specs.flatMap(spec => [...spec.keys()]))].filter(
    field => new Set(specs.map(spec => spec.get(field))).size > 1,
  )
  const summary = (
    read: (ends: NonNullable<NonNullable<Experiment['summary']>['splits']['train']>) => string,
  ) =>
    all.map(({ experiment }) => {
      const ends = experiment.summary?.splits[split as 'train']
      return ends ? read(ends) : '–'
    })
  const head = (what: string) => (
    <thead>
      <tr>
        <th scope="col">{what}</th>
        {all.map(({ experiment: { id } }, i) => (
          <th key={id} scope="col" class="number">
            <svg width="11" height="11" aria-hidden="true">
              <rect width="11" height="11" rx="2" fill={palette[i]} />
            </svg>{' '}
            <a href={linkTo(['experiments', id])} dir="auto">
              {shorten(labels[i], 30)}
            </a>
          </th>
        ))}
      </tr>
    </thead>
  )
  const row = (name: string, cells: preact.ComponentChildren[]) => (
    <tr key={name}>
      <th scope="row" style={{ position: 'static' }}>
        {name}
      </th>
      {cells.map((cell, i) => (
        <td key={all[i].experiment.id} class="number">
          {cell}
        </td>
      ))}
    </tr>
  )
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={`Figures and layers on ${split}`}>
        <table>
          {head(`On ${split}`)}
          <tbody>
            {row(
              'status',
              all.map(({ experiment }) => <Status key={experiment.id} status={experiment.status} />),
            )}
            {row(
              'final loss',
              summary(({ loss }) => number(loss.final)),
            )}
            {row(
              'final accuracy',
              summary(({ accuracy }) => percent(accuracy.final)),
            )}
            {row(
              'helped, of moved',
              summary(({ helpFractionOfMoved }) => percent(helpFractionOfMoved)),
            )}
            {row(
              'worst residual',
              summary(({ worstResidual }) => number(worstResidual, 3)),
            )}
            {row(
              'LCA',
              summary(({ lca }) => signed(lca)),
            )}
            {layers.map(layer =>
              row(
                `LCA of ${layer}`,
                all.map(({ layers }) => {
                  const found = layers.find(one => one.layer === layer)
                  return found ? (
                    <span class={(found.lca ?? 0) < 0 ? 'helps' : 'hurts'}>{signed(found.lca)}</span>
                  ) : (
                    '–'
                  )
                }),
              ),
            )}
          </tbody>
        </table>
      </div>
      <h2>In what the specs differ</h2>
      {fields.length === 0 ? (
        <p class="muted">In nothing.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="In what the specs differ">
          <table>
            {head('Field')}
            <tbody>
              {fields.map(field =>
                row(
                  field,
                  specs.map(spec => <bdi key={field}>{shorten(spec.get(field) ?? '–', 60)}</bdi>),
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}

/** Every field of a spec as text, by its path. */
function flattened(spec: unknown): Map<string, string> {
  const fields = new Map<string, string>()
  const walk = (value: unknown, path: string) => {
    const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isPlain && Object.keys(value).length > 0)
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`)
    else fields.set(path, JSON.stringify(value))
  }
  walk(spec, '')
  return fields
}
