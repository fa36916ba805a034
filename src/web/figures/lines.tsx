/** Figures with a line for each split: loss, help fraction, residuals. */
import { useMemo } from 'preact/hooks'
import { lossPoints } from '../../figures/losses.ts'
import { number, percent, whole } from '../format.ts'
import { Plot, type Series } from './plot.tsx'
import { type Iterations, indexAt, residualsInWords, type Splits } from './series.ts'

type Props = {
  splits: Splits
  span: [number, number]
  gutter: number
  onZoom?: (span?: [number, number]) => void
  csv?: () => Promise<unknown>
}

const colourOf = { train: '--train', validation: '--validation' } as const
const entriesOf = (splits: Splits) => Object.entries(splits) as ['train' | 'validation', Iterations][]

/** The lines of several splits over one time axis: where one has no value it is null. */
function aligned(
  splits: Splits,
  valuesOf: (rows: Iterations) => [number, number][],
): { x: number[]; series: Series[] } {
  const lines = entriesOf(splits).map(([split, rows]) => ({ split, points: new Map(valuesOf(rows)) }))
  const x = [...new Set(lines.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b)
  return {
    x,
    series: lines.map(({ split, points }) => ({
      label: split,
      colour: colourOf[split],
      values: x.map(at => {
        const value = points.get(at)
        return value === undefined || Number.isNaN(value) ? null : value
      }),
    })),
  }
}

/** A value of each series at a moment, or the next before it. */
function reading(x: number[], series: Series[], format: (value: number) => string) {
  return (at: [number, number] | null): string => {
    if (x.length === 0) return ''
    const near = at === null ? x.length - 1 : Math.max(0, indexAt(x, at[0] + 0.5))
    const parts = series.map(({ label, values }) => {
      let i = near
      while (i > 0 && values[i] === null) i--
      const value = values[i]
      return value === null || value === undefined ? `${label} –` : `${label} ${format(value)}`
    })
    return `iteration ${whole(x[near])} · ${parts.join(' · ')}`
  }
}

export const Key = ({ series }: { series: Series[] }) => (
  <div class="key">
    {series.map(({ label, colour, dash }) => (
      <span key={label}>
        <svg viewBox="0 0 14 11" aria-hidden="true">
          <line
            x1="0"
            x2="14"
            y1="6"
            y2="6"
            stroke={colour.startsWith('--') ? `var(${colour})` : colour}
            stroke-width="3"
            stroke-dasharray={dash ? '4 3' : undefined}
          />
        </svg>
        {label}
      </span>
    ))}
  </div>
)

/** Loss before every iteration and after the last. */
export function LossFigure({ splits, span, gutter, onZoom, csv }: Props) {
  const { x, series } = useMemo(() => aligned(splits, lossPoints), [splits])
  const says =
    entriesOf(splits)
      .filter(([, { iteration }]) => iteration.length > 0)
      .map(([split, { iteration, loss, lossAfter }]) => {
        const last = iteration.length - 1
        const lowest = Math.min(...Array.from(loss).filter(Number.isFinite), lossAfter[last])
        return `The ${split} loss goes from ${number(loss[0])} to ${number(lossAfter[last])}, its lowest is ${number(lowest)}.`
      })
      .join(' ') || 'Nothing is allocated yet.'
  return (
    <Plot
      title="Loss"
      says={says}
      {...{ x, series, span, gutter, onZoom, csv }}
      height={230}
      read={reading(x, series, value => number(value, 5))}
    >
      <Key series={series} />
    </Plot>
  )
}

/** Of what moved, the share that helped. */
export function HelpFigure({ splits, span, gutter, onZoom, csv }: Props) {
  const { x, series } = useMemo(
    () =>
      aligned(splits, ({ iteration, helpFractionOfMoved }) =>
        Array.from(iteration, (t, i): [number, number] => [t, helpFractionOfMoved[i]]),
      ),
    [splits],
  )
  const half: Series = {
    label: 'one half',
    values: x.map(() => 0.5),
    colour: '--muted',
    width: 1,
    dash: [5, 4],
  }
  const says =
    entriesOf(splits)
      .map(([split, { helpFractionOfMoved }]) => {
        const known = Array.from(helpFractionOfMoved).filter(Number.isFinite)
        const mean = known.reduce((a, b) => a + b, 0) / known.length
        return known.length === 0
          ? ''
          : `On ${split} ${percent(mean)} of the allocations that are not zero help, in the mean of what is shown.`
      })
      .join(' ') || 'Nothing is allocated yet.'
  return (
    <Plot
      title="Help fraction"
      says={says}
      {...{ x, span, gutter, onZoom, csv }}
      series={[...series, half]}
      height={180}
      read={reading(x, series, value => percent(value, 2))}
    >
      <Key series={[...series, half]} />
    </Plot>
  )
}

/** How far the books are from balancing, against what the spec allows. */
export function ResidualFigure({
  splits,
  span,
  gutter,
  onZoom,
  csv,
  maxError,
}: Props & { maxError: number }) {
  const { x, series } = useMemo(
    () =>
      aligned(splits, ({ iteration, residual }) =>
        // A logarithm has no place for 0.
        Array.from(iteration, (t, i): [number, number] => [t, Math.abs(residual[i]) || Number.NaN]),
      ),
    [splits],
  )
  const limit: Series = {
    label: `maxError ${number(maxError, 2)}`,
    values: x.map(() => maxError),
    colour: '--muted',
    width: 1.25,
    dash: [5, 4],
  }
  const says =
    entriesOf(splits)
      .filter(([, { iteration }]) => iteration.length > 0)
      .map(([split, rows]) => residualsInWords(split, rows, maxError))
      .join(' ') || 'Nothing is allocated yet.'
  return (
    <Plot
      title="Residuals: do the books balance?"
      says={says}
      {...{ x, span, gutter, onZoom, csv }}
      series={[...series.map(one => ({ ...one, dots: true })), limit]}
      logarithmic
      height={190}
      read={reading(x, series, value => number(value, 3))}
    >
      <Key series={[...series, limit]} />
    </Plot>
  )
}
