/** Figures whose axis is not time, as SVG: points against points, on linear or logarithmic axes. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Explained, fitOf, survivalOf } from '../../figures/explained.ts'
import { counted, number, percent, signed } from '../format.ts'
import { labelsOf } from './axes.ts'
import { linear, logarithmic, type Scale } from './scales.ts'
import { SvgButton } from './svg-button.tsx'

type Csv = { csv?: () => Promise<unknown> }

/** What a part of a step alone changed the loss by, against what LCA predicts. */
export function CounterfactualsFigure({
  masks,
  split,
  csv,
}: { masks: NonNullable<Explained['counterfactuals']>; split: string } & Csv) {
  const all = masks.map(({ mask, change, predicted }) => ({
    mask,
    points: change.flatMap((y, i): [number, number][] => {
      const x = predicted[i]
      return y === null || x === null ? [] : [[x, y]]
    }),
  }))
  const values = all.flatMap(({ points }) => points.flat())
  const ends = roomAround([0, ...values])
  const sums = all.map(({ mask, points }) => {
    const [x, y] = [0, 1].map(at => points.reduce((sum, point) => sum + point[at], 0))
    return `${mask} ${signed(y, 3)} where LCA says ${signed(x, 3)}`
  })
  return (
    <Frame
      title="Parts of steps alone, against what LCA says"
      says={`Changes of the ${split} loss by parts of the steps alone, summed over the iterations that are shown: ${sums.join('; ')}. On the dashed line they are what LCA says.`}
      csv={csv}
      height={360}
      axes={{ x: ends, y: ends, xLabel: 'predicted by LCA', yLabel: 'change of the loss' }}
      draw={({ x, y }) => (
        <>
          <line class="dashed" x1={x(ends[0])} y1={y(ends[0])} x2={x(ends[1])} y2={y(ends[1])} />
          {all.map(({ mask, points }) => (
            <g key={mask} fill={colourOf[mask] ?? 'var(--muted)'} fill-opacity={0.75}>
              {points.map(([a, b], i) => (
                <circle key={i} cx={x(a)} cy={y(b)} r={3.4} />
              ))}
            </g>
          ))}
        </>
      )}
    >
      <Dots names={all.map(({ mask }) => [`${mask} alone`, colourOf[mask] ?? 'var(--muted)'])} />
    </Frame>
  )
}

const colourOf: Record<string, string> = {
  helpers: 'var(--helps)',
  hurters: 'var(--hurts)',
  random: 'var(--muted)',
}

/** The share of allocations at least so large, with the tail that is fitted. */
export function TailsFigure({
  tails,
  split,
  csv,
}: { tails: NonNullable<Explained['tails']>; split: string } & Csv) {
  const points = survivalOf(tails.bins)
  const fitted = fitOf(tails)
  if (points.length === 0) return null
  const whole10 = (value: number, up: boolean) => 10 ** (up ? Math.ceil : Math.floor)(Math.log10(value))
  const lows = points.map(([low]) => low)
  const shares = [...points, ...fitted].map(([, share]) => share)
  const says =
    `How many of ${counted(tails.count ?? 0, 'allocation')} of single parameters in single iterations on ${split} are at least so large. ` +
    (tails.index === null
      ? 'No tail can be fitted.'
      : `Beyond ${number(tails.threshold, 2)}, which ${percent(fitted[0]?.[1], 1)} are, they fall as x to the −${number(tails.index, 3)} ± ${number(tails.error, 2)}${tails.index < 2 ? ': too heavy for a variance' : ''}.`)
  return (
    <Frame
      title="How unequal allocations are: their tail"
      {...{ says, csv }}
      height={300}
      axes={{
        x: [whole10(Math.min(...lows), false), whole10(2 * Math.max(...lows), true)],
        y: [whole10(Math.min(...shares), false), 1],
        ...{ log: true, xLabel: '|LCA|', yLabel: 'share at least so large' },
      }}
      draw={({ x, y }) => (
        <>
          <polyline
            fill="none"
            stroke="var(--helps)"
            stroke-width={2}
            points={points.map(([a, b]) => `${x(a)},${y(b)}`).join(' ')}
          />
          {fitted.length > 0 && (
            <line
              stroke="var(--hurts)"
              stroke-width={2}
              stroke-dasharray="6 4"
              {...{ x1: x(fitted[0][0]), y1: y(fitted[0][1]), x2: x(fitted[1][0]), y2: y(fitted[1][1]) }}
            />
          )}
        </>
      )}
    >
      <Dots
        names={[
          ['allocations', 'var(--helps)'],
          ...(fitted.length > 0 ? [['fitted tail', 'var(--hurts)'] as [string, string]] : []),
        ]}
      />
    </Frame>
  )
}

const Dots = ({ names }: { names: [string, string][] }) => (
  <div class="key">
    {names.map(([name, colour]) => (
      <span key={name}>
        <svg viewBox="0 0 14 11" aria-hidden="true">
          <circle cx="7" cy="6" r="4" fill={colour} />
        </svg>
        {name}
      </span>
    ))}
  </div>
)

function roomAround(values: number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const room = (high - low || 1) * 0.06
  return [low - room, high + room]
}

type Axes = { x: [number, number]; y: [number, number]; log?: boolean; xLabel: string; yLabel: string }
type Scales = { x(value: number): number; y(value: number): number }

/** Title, axes and words around what `draw` puts there; as wide as there is room. */
function Frame(
  props: {
    title: string
    says: string
    height: number
    axes: Axes
    draw(scales: Scales): ComponentChildren
    children?: ComponentChildren
  } & Csv,
) {
  const { title, says, height, axes, draw, csv, children } = props
  const frame = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(600)
  useEffect(() => {
    const element = frame.current!
    const observer = new ResizeObserver(() => element.clientWidth > 0 && setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const box = { left: 66, right: width - 14, top: 26, bottom: height - 44 }
  const scale = axes.log ? logarithmic : linear
  const x = scale(axes.x, [box.left, box.right])
  const y = scale(axes.y, [box.bottom, box.top])
  const ticks = (of: Scale, many: number): [place: number, label: string][] => {
    const all = of.ticks(many)
    const step = Math.ceil(all.length / many)
    const some = all.filter((_, i) => i % step === 0)
    const labels = labelsOf(some, axes.log === true)
    return some.map((place, i) => [place, labels[i]])
  }
  return (
    <figure class="card">
      <div class="head">
        <h2>{title}</h2>
        <div class="tools">
          {csv && (
            <button type="button" class="plain" onClick={() => void csv()}>
              CSV<span class="hidden"> of {title}</span>
            </button>
          )}
          <SvgButton title={title} />
        </div>
      </div>
      {children}
      <div ref={frame} class="frame">
        <svg width={width} height={height} role="img" aria-label={says}>
          <g class="axes">
            {ticks(y, 7).map(([value, label]) => (
              <g key={value}>
                <line x1={box.left} x2={box.right} y1={y(value)} y2={y(value)} />
                <text x={box.left - 8} y={y(value) + 4} text-anchor="end">
                  {label}
                </text>
              </g>
            ))}
            {ticks(x, Math.max(2, Math.floor(width / 110))).map(([value, label]) => (
              <g key={value}>
                <line x1={x(value)} x2={x(value)} y1={box.bottom} y2={box.bottom + 5} />
                <text x={x(value)} y={box.bottom + 18} text-anchor="middle">
                  {label}
                </text>
              </g>
            ))}
            <text x={box.left} y={14}>
              {axes.yLabel}
            </text>
            <text x={box.right} y={height - 6} text-anchor="end">
              {axes.xLabel}
            </text>
          </g>
          {draw({ x, y })}
        </svg>
      </div>
      <figcaption>{says}</figcaption>
    </figure>
  )
}
