/** Two to twenty experiments beside each other, as GET /v1/compare sets them: losses, layers, weights, specs. */
import { useMemo } from 'preact/hooks'
import type { Comparison, Experiment } from '../../../clients/typescript/src/index.ts'
import { linkTo } from '../address.ts'
import { colours, useTheme } from '../figures/colours.ts'
import { Key } from '../figures/lines.tsx'
import { Plot, type Series } from '../figures/plot.tsx'
import { gutterOf } from '../figures/room.ts'
import { indexAt } from '../figures/series.ts'
import { isolated, number, percent, shorten, signed, toneOf, whole } from '../format.ts'
import { ledger, save } from '../ledger.ts'
import { useLoad } from '../parts/load.ts'
import { Failed, nameOf, Status, Title } from '../parts/small.tsx'
import { SplitButtons } from '../parts/split-buttons.tsx'
import { Table } from '../parts/table.tsx'

const most = 20

type Loaded = { found: Comparison; experiments: Experiment[] }

export function ComparePage({ query }: { query: URLSearchParams }) {
  const ids = [...new Set(query.getAll('id'))].slice(0, most)
  const split = query.get('split') === 'validation' ? 'validation' : 'train'
  const { value, error } = useLoad(
    async (): Promise<Loaded | undefined> => {
      if (ids.length < 2) return undefined
      const [found, ...experiments] = await Promise.all([
        ledger.compare(ids, { split }),
        ...ids.map(id => ledger.get(id)),
      ])
      return { found, experiments }
    },
    [split],
    ids.join(),
  )
  return (
    <div class="stack">
      <Title>Compare</Title>
      <div class="row" role="group" aria-label="Split">
        <SplitButtons splits={['train', 'validation']} split={split} />
      </div>
      <Failed error={error} />
      {ids.length < 2 && <p class="notice">Select 2 to {most} experiments in the table of experiments.</p>}
      {value && <Beside {...value} split={split} />}
    </div>
  )
}

function Beside({ found, experiments, split }: Loaded & { split: string }) {
  const theme = useTheme()
  const palette = colours(experiments.length, theme)
  const labels = labelsOf(experiments.map(nameOf))
  const finals = experiments.map(({ summary }) => summary?.splits[split as 'train']?.loss.final ?? null)
  const lines = (read: (row: Comparison['losses'][number]) => number | null, after: (number | null)[] = []) =>
    overlaid(found, labels, palette, read, after)
  const loss = useMemo(() => lines(row => row.loss, finals), [found, theme])
  const difference = useMemo(() => lines(row => row.difference), [found, theme])
  const ends = found.experiments.map(({ offset, iterations }) => offset + iterations)
  const span: [number, number] = [
    Math.min(...found.experiments.map(({ offset }) => offset)),
    Math.max(1, ...ends),
  ]
  const says = `The ${split} loss ends at ${labels.map((label, i) => `${number(finals[i])} (${isolated(label)})`).join(', ')}.`
  const csv = () =>
    save(
      `/v1/compare?${new URLSearchParams({ experiments: experiments.map(({ id }) => id).join(), split, table: 'losses', format: 'csv' })}`,
      `losses-${split}.csv`,
    )
  const named = (ids: string[]) =>
    ids
      .map(id => labels[experiments.findIndex(one => one.id === id)])
      .map(isolated)
      .join(', ')
  return (
    <>
      {found.fork && (
        <p class="muted">
          Iterations are those of{' '}
          <a href={linkTo(['experiments', found.fork.experiment])}>{found.fork.experiment}</a>, which the
          first of them leaves at {whole(found.fork.iteration)}.
        </p>
      )}
      {found.warnings.map(({ about, message, experiments }) => (
        <p key={about} class="notice">
          {message}: {named(experiments)}
        </p>
      ))}
      <Plot
        title={`Loss on ${split}`}
        says={says}
        {...loss}
        span={span}
        gutter={gutterOf([])}
        height={280}
        read={reading(loss)}
        csv={csv}
      >
        <Key series={loss.series} />
      </Plot>
      <Plot
        title={`Difference of the loss on ${split} to the first`}
        says={`Where a line is below 0 that experiment has a lower loss than ${isolated(labels[0])} at the same iteration.`}
        {...difference}
        span={span}
        gutter={gutterOf([])}
        height={200}
        read={reading(difference)}
        csv={csv}
      >
        <Key series={difference.series.slice(1)} />
      </Plot>
      <Tables found={found} all={experiments} labels={labels} palette={palette} split={split} />
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
/** What was before every iteration, and, where it is known, `after` the last of each experiment. */
function overlaid(
  { losses, experiments }: Comparison,
  labels: string[],
  palette: string[],
  read: (row: Comparison['losses'][number]) => number | null,
  after: (number | null)[],
): Overlay {
  const maps = experiments.map(({ id, offset, iterations }, i) => {
    const own = losses.filter(({ experiment }) => experiment === id)
    const values = new Map(own.map(row => [row.iteration, read(row)]))
    const last = after[i] ?? null
    if (own.length > 0 && last !== null) values.set(offset + iterations, last)
    return values
  })
  const x = [...new Set(maps.flatMap(values => [...values.keys()]))].sort((a, b) => a - b)
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
  found,
  all,
  labels,
  palette,
  split,
}: {
  found: Comparison
  all: Experiment[]
  labels: string[]
  palette: string[]
  split: string
}) {
  const { layers: rows, specs, span, weights } = found
  const layers = [...new Set(rows.map(({ layer }) => layer))]
  const summary = (
    read: (ends: NonNullable<NonNullable<Experiment['summary']>['splits']['train']>) => string,
  ) =>
    all.map(experiment => {
      const ends = experiment.summary?.splits[split as 'train']
      return ends ? read(ends) : '–'
    })
  const head = (what: string) => (
    <thead>
      <tr>
        <th scope="col">{what}</th>
        {all.map(({ id }, i) => (
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
        <td key={all[i].id} class="number">
          {cell}
        </td>
      ))}
    </tr>
  )
  return (
    <>
      <Table label={`Figures and layers on ${split}`}>
        {head(`On ${split}`)}
        <tbody>
          {row(
            'status',
            all.map(({ id, status }) => <Status key={id} status={status} />),
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
          {row('weights leave the first’s', ['', ...weights.map(partingInWords)])}
          {layers.map(layer =>
            row(
              `LCA${layer === null ? '' : ` of ${layer}`}${span ? `, ${whole(span.from)} to ${whole(span.to)}` : ''}`,
              all.map(({ id }) => {
                const one = rows.find(row => row.experiment === id && row.layer === layer)
                if (!one) return '–'
                return (
                  <>
                    <span class={toneOf(one.lca)}>{signed(one.lca)}</span>
                    {one.lcaDifference !== null && <span class="muted"> ({signed(one.lcaDifference)})</span>}
                  </>
                )
              }),
            ),
          )}
        </tbody>
      </Table>
      <h2>In what the specs differ</h2>
      {specs.length === 0 ? (
        <p class="muted">In nothing.</p>
      ) : (
        <Table label="In what the specs differ">
          {head('Field')}
          <tbody>
            {specs.map(({ path, values }) =>
              row(
                path,
                values.map((value, i) => (
                  <bdi key={all[i].id}>{value === null ? '–' : shorten(JSON.stringify(value), 60)}</bdi>
                )),
              ),
            )}
          </tbody>
        </Table>
      )}
    </>
  )
}

function partingInWords({ firstDifference, sameUntil, unknown }: Comparison['weights'][number]): string {
  if (firstDifference !== null) return `at ${whole(firstDifference)}`
  if (unknown === null) return `not up to ${whole(sameUntil ?? 0)}`
  return sameUntil === null ? `unknown: ${unknown}` : `after ${whole(sameUntil)}, unknown where: ${unknown}`
}
