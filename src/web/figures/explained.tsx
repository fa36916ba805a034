/** Figures of diagnostics: what was recorded of a split, over the span that is shown. */
import type { ComponentChildren } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Explained } from '../../figures/explained.ts'
import { counted, number, percent, whole } from '../format.ts'
import { colours, useTheme } from './colours.ts'
import { HeatFigure, StackFigure } from './ledger.tsx'
import { Key } from './lines.tsx'
import { type Paint, Plot, type Series } from './plot.tsx'
import { CounterfactualsFigure, TailsFigure } from './scatter.tsx'
import { indexAt, type Ledger } from './series.ts'

type Props = {
  explained: Explained
  split: string
  span: [number, number]
  gutter: number
  onZoom?: (span?: [number, number]) => void
  /** Saves the table of this name as CSV. */
  csv?: (name: string) => Promise<unknown>
}

/** All of them; nothing where nothing was recorded. Each stands where `figure-NAME` leads. */
export function ExplainedFigures({ explained, split, csv, ...shared }: Props) {
  const { curvature, components, classes, counterfactuals, tails, peaks } = explained
  const save = (name: string) => (csv ? { csv: () => csv(name) } : {})
  const parts = useMemo(() => components && ledgerOf(components), [components])
  const ofClasses = useMemo(() => classes && ledgerOf(classes), [classes])
  return (
    <>
      {curvature && (
        <Place name="curvature">
          <AlphaFigure curvature={curvature} split={split} {...shared} {...save('curvature')} />
        </Place>
      )}
      {parts && (
        <Place name="components">
          <StackFigure
            {...{ ledger: parts, split, ...shared, ...save('components') }}
            title="Cumulative LCA by where the step came from"
          />
        </Place>
      )}
      {ofClasses && (
        <Place name="classes">
          <HeatFigure {...{ ledger: ofClasses, split, ...shared, ...save('classes') }} what="class" />
        </Place>
      )}
      {counterfactuals && (
        <Place name="counterfactuals">
          <CounterfactualsFigure masks={counterfactuals} split={split} {...save('counterfactuals')} />
        </Place>
      )}
      {tails && (
        <Place name="tails">
          <TailsFigure tails={tails} split={split} {...save('histogram')} />
        </Place>
      )}
      {peaks && (
        <Place name="synchrony">
          <PeaksFigure peaks={peaks} split={split} {...shared} {...save('synchrony')} />
        </Place>
      )}
    </>
  )
}

export const Place = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div id={`figure-${name}`}>{children}</div>
)

const ledgerOf = ({ names, starts, ends, lca }: NonNullable<Explained['classes']>): Ledger => ({
  ...{ names, starts, ends },
  lca: lca.map(row => Float64Array.from(row, value => value ?? Number.NaN)),
})

type One = Omit<Props, 'explained' | 'csv'> & { csv?: () => Promise<unknown> }

/** Where on its line each step ends: α = −E/F. */
function AlphaFigure({
  curvature,
  split,
  ...shared
}: One & { curvature: NonNullable<Explained['curvature']> }) {
  const { starts, ends, alpha } = curvature
  const x = useMemo(() => starts.map((start, i) => (start + ends[i]) / 2), [starts, ends])
  const series = useMemo((): Series[] => {
    const of = (isIn: (value: number) => boolean) =>
      alpha.map(value => (value !== null && isIn(value) ? value : null))
    const level = (at: number): Series => ({
      ...{ label: String(at), values: x.map(() => at), colour: '--muted', width: 1, dash: [5, 4] },
    })
    return [
      { label: 'past the minimum', values: of(value => value > 0), colour: '--hurts', dots: true },
      { label: 'before it', values: of(value => value <= 0), colour: '--helps', dots: true },
      ...[level(0), level(-1), level(1)],
    ]
  }, [alpha, x])
  const values = alpha.filter(value => value !== null)
  const over = values.filter(value => value > 0).length
  const outside = values.filter(value => Math.abs(value) > edge).length
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1]
  const says =
    `On ${split} ${percent(over / values.length, 0)} of what is shown end past the minimum along their line; α is ${number(middle, 2)} in the middle: ` +
    `−1 the step has only begun, 0 at the minimum, 1 as high as it began.${outside > 0 ? ` ${whole(outside)} ${outside === 1 ? 'lies' : 'lie'} beyond ±${edge}.` : ''}`
  return (
    <Plot
      title="Where steps end along their line (α)"
      {...{ says, x, series, ...shared }}
      yRange={[Math.max(-edge, Math.min(-1.2, ...values)), Math.min(edge, Math.max(1.2, ...values))]}
      height={210}
      read={at => {
        const i = at === null ? alpha.length - 1 : Math.max(0, indexAt(starts, at[0]))
        return starts.length === 0 ? '' : `iteration ${whole(starts[i])} · α ${number(alpha[i], 3)}`
      }}
    >
      <Key series={series.slice(0, 2)} />
    </Plot>
  )
}

const edge = 3

/** In which iterations each layer's LCA is a local minimum: marks below each other are peaks that layers share. */
function PeaksFigure({ peaks, split, span, ...shared }: One & { peaks: NonNullable<Explained['peaks']> }) {
  const theme = useTheme()
  const { names, at, from, to, shared: together, expected, p } = peaks
  const palette = useMemo(() => colours(names.length, theme), [names.length, theme])
  const paint: Paint = (context, { x, y }) => {
    const width = Math.max(1, Math.min(6, 0.7 * (x(1) - x(0))))
    for (const [row, marks] of at.entries()) {
      context.fillStyle = palette[row]
      const [top, bottom] = [y(row), y(row + 1)]
      const gap = Math.min(2, (bottom - top) / 8)
      for (const t of marks)
        context.fillRect(x(t + 0.5) - width / 2, top + gap, width, bottom - top - 2 * gap)
    }
  }
  const says =
    `Peaks, moments in which a layer learns more than just before and after, on ${split}${to < span[1] ? `, of the first ${counted(to - from, 'iteration')} shown` : ''}. ` +
    `Pairs of layers share ${whole(together)}; independent layers would share ${number(expected, 3)} (p = ${number(p, 2)}).`
  return (
    <Plot
      title="When layers learn most: peaks"
      {...{ says, span, ...shared }}
      x={[from, to]}
      series={[]}
      names={names}
      height={Math.max(120, Math.min(460, 44 + names.length * (names.length > 30 ? 9 : 20)))}
      paint={paint}
      read={place => {
        if (place === null) return ''
        const t = Math.floor(place[0])
        const those = names.filter((_, row) => at[row].includes(t))
        return `iteration ${whole(t)} · ${those.length === 0 ? 'none peaks' : `${those.slice(0, 6).join(', ')}${those.length > 6 ? ` and ${those.length - 6} more` : ''}`}`
      }}
    />
  )
}
