/** One time axis and what is above it, drawn by uPlot: lines, or what a figure paints itself. Zoom and cursor are linked. */
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { whole } from '../format.ts'
import { fileName, saveBlob } from '../parts/save.ts'
import { labelsOf, namedRows, powersOf, wholeSteps } from './axes.ts'
import { themed, useTheme } from './colours.ts'
import { type Entry, Legend, withLegend } from './legend.tsx'
import { fit, font, marginOf } from './room.ts'

export type Series = {
  label: string
  values: (number | null)[]
  /** A colour, or the name of a CSS variable. */
  colour: string
  width?: number
  dash?: number[]
  /** Dots instead of a line. */
  dots?: boolean
  /** No line over places that have no value. */
  gaps?: boolean
}

/** What a figure paints below the lines, in canvas pixels: x and y say where values of the axes are. */
export type Paint = (
  context: CanvasRenderingContext2D,
  place: {
    x(value: number): number
    y(value: number): number
    box: { left: number; top: number; width: number; height: number }
  },
) => void

export type PlotProps = {
  title: string
  /** What it shows, in a sentence: for who cannot see it. */
  says: string
  children?: ComponentChildren
  /** What the colours mean, where the files are to say it too. */
  legend?: Entry[]
  /** Values of the time axis, ascending. */
  x: number[]
  /** The span that is shown. */
  span: [number, number]
  series: Series[]
  height?: number
  yRange?: [number, number] | undefined
  logarithmic?: boolean
  /** Names at heights instead of numbers. */
  names?: string[]
  /** Width of the left margin, in pixels; the same in figures that stand one above the other. */
  gutter: number
  paint?: Paint
  /** The words about one moment; called while the pointer moves. Where it is, as [x, y]; null: nowhere. */
  read?: (at: [x: number, y: number] | null) => string
  /** Called with what was marked, and with nothing when all is to be shown again. */
  onZoom?: (span?: [from: number, to: number]) => void
  onPick?: (at: [x: number, y: number]) => void
  csv?: () => Promise<unknown>
  /** Name of the axis below. */
  xLabel?: string
}

export function Plot(props: PlotProps) {
  const theme = useTheme()
  const frame = useRef<HTMLDivElement>(null)
  const readout = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const isNew = useRef(false)
  const latest = useRef(props)
  latest.current = props
  const {
    series,
    x,
    span,
    height = 200,
    logarithmic = false,
    names,
    gutter,
    yRange,
    xLabel = 'iteration',
  } = props
  const shape = JSON.stringify([
    ...[theme, height, logarithmic, names, xLabel],
    series.map(({ values: _, ...rest }) => rest),
  ])

  // Shape says what of the properties counts.
  useLayoutEffect(() => {
    const element = frame.current!
    const colourOf = (name: string) => (name.startsWith('--') ? themed(name) : name)
    const ink = themed('--muted')
    const grid = { stroke: themed('--grid'), width: 1 }
    const options: uPlot.Options = {
      ...{ width: element.clientWidth, height, legend: { show: false } },
      padding: [8, () => marginOf(latest.current.span), 0, 0],
      cursor: {
        sync: { key: 'iterations', scales: ['x', null] },
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        y: names !== undefined,
        bind: {
          dblclick: () => () => {
            latest.current.onZoom?.()
            return null
          },
        },
      },
      scales: {
        x: { time: false, range: () => latest.current.span },
        y: {
          ...(logarithmic && { distr: 3, log: 10 }),
          ...(names && { range: () => [0, names.length] as [number, number], dir: -1 }),
          ...(!names && {
            range: (_, low, high) => {
              const [a, b] = latest.current.yRange ?? [low, high]
              if (logarithmic) return uPlot.rangeLog(a ?? 1e-9, b ?? 1, 10, true)
              return uPlot.rangeNum(a ?? 0, b ?? 1, 0.06, true)
            },
          }),
        },
      },
      axes: [
        {
          ...{ stroke: ink, grid, ticks: grid, font, size: 34, gap: 4, incrs: wholeSteps },
          values: (_, at) => at.map(value => (value === null ? '' : whole(value))),
        },
        {
          ...{ stroke: ink, grid: names ? { show: false } : grid, ticks: grid, font, gap: 5 },
          // Names that come later want more room.
          size: () => latest.current.gutter,
          ...(names
            ? {
                splits: () => namedRows(names.length, height),
                values: (_: uPlot, at: number[]) =>
                  at.map(y => fit(names[Math.floor(y)] ?? '', latest.current.gutter - 14)),
              }
            : {
                values: (_: uPlot, at: number[]) => labelsOf(at, logarithmic),
                ...(logarithmic && {
                  splits: (_u: uPlot, _axis: number, low: number, high: number) =>
                    powersOf(low, high, Math.max(2, Math.floor((height - 42) / 22))),
                  // All of them have a label.
                  filter: (_: uPlot, at: number[]) => at,
                }),
              }),
        },
      ],
      series: [
        {},
        ...series.map(
          ({ label, colour, width = 1.75, dash, dots, gaps = false }): uPlot.Series => ({
            ...{ label, stroke: colourOf(colour), width, ...(dash && { dash }) },
            points: { show: dots === true, size: 4, fill: colourOf(colour) },
            ...(dots && { paths: () => null }),
            spanGaps: !gaps,
          }),
        ),
      ],
      hooks: {
        drawAxes: [
          u => {
            const { left, top, width, height } = u.bbox
            u.ctx.save()
            u.ctx.beginPath()
            u.ctx.rect(left, top, width, height)
            u.ctx.clip()
            latest.current.paint?.(u.ctx, {
              x: value => u.valToPos(value, 'x', true),
              y: value => u.valToPos(value, 'y', true),
              box: { left, top, width, height },
            })
            u.ctx.restore()
          },
        ],
        setCursor: [
          u => {
            const { left = -1, top = -1 } = u.cursor
            const at: [number, number] | null =
              left < 0 ? null : [u.posToVal(left, 'x'), u.posToVal(Math.max(0, top), 'y')]
            const text = latest.current.read?.(at) ?? ''
            if (readout.current && readout.current.textContent !== text) readout.current.textContent = text
          },
        ],
        setSelect: [
          u => {
            const { left, width } = u.select
            if (width < 4) return
            const from = Math.max(latest.current.span[0], Math.floor(u.posToVal(left, 'x')))
            const to = Math.min(latest.current.span[1], Math.ceil(u.posToVal(left + width, 'x')))
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            if (to - from >= 2) latest.current.onZoom?.([from, to])
          },
        ],
      },
    }
    const made = new uPlot(options, dataOf(latest.current), element)
    plot.current = made
    isNew.current = true
    const canvas = made.root.querySelector('canvas')!
    canvas.setAttribute('role', 'img')
    canvas.setAttribute('aria-label', latest.current.says)
    let pressedAt = 0
    const press = ({ clientX }: MouseEvent) => {
      pressedAt = clientX
    }
    const click = ({ clientX, clientY }: MouseEvent) => {
      // The end of a drag is no click.
      if (Math.abs(clientX - pressedAt) > 3) return
      const box = made.over.getBoundingClientRect()
      latest.current.onPick?.([made.posToVal(clientX - box.left, 'x'), made.posToVal(clientY - box.top, 'y')])
    }
    made.over.addEventListener('mousedown', press)
    made.over.addEventListener('click', click)
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== made.width)
        made.setSize({ width: element.clientWidth, height })
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [shape])

  // Whatever is painted may have changed with any of these.
  useEffect(() => {
    const made = plot.current
    if (!made) return
    made.root.querySelector('canvas')!.setAttribute('aria-label', props.says)
    // One that is new draws what it was made with.
    if (!isNew.current) {
      made.setData(dataOf(latest.current))
      made.redraw(false, true)
    }
    isNew.current = false
    if (readout.current) readout.current.textContent = latest.current.read?.(null) ?? ''
  }, [shape, gutter, x, series, span[0], span[1], yRange?.[0], yRange?.[1], props.paint, props.says])

  const [failed, setFailed] = useState<string>()
  /** What a button asks for may be away. */
  const trying = (saving: Promise<unknown>) => {
    setFailed(undefined)
    saving.catch(error => setFailed(String(Object(error).message ?? error)))
  }
  const svg = async () => {
    // Fetched when it is first wanted.
    const { plotSvg, saveSvg } = await import('./svg.ts')
    if (plot.current) saveSvg(plotSvg(latest.current, plot.current), props.title)
  }
  const png = () => {
    if (!plot.current) return
    const { canvas } = plot.current.ctx
    const look = { scale: canvas.width / plot.current.width, ink: themed('--ink'), font }
    const whole = props.legend ? withLegend(canvas, props.legend, look) : canvas
    whole.toBlob(blob => {
      if (blob) saveBlob(blob, `${fileName(props.title)}.png`)
    })
  }
  return (
    <figure class="card">
      <div class="head">
        <h2>{props.title}</h2>
        <div class="tools">
          {props.csv && (
            <button type="button" class="plain" onClick={() => trying(props.csv!())}>
              CSV<span class="hidden"> of {props.title}</span>
            </button>
          )}
          <button type="button" class="plain" onClick={() => trying(svg())}>
            SVG<span class="hidden"> of {props.title}</span>
          </button>
          <button type="button" class="plain" onClick={png}>
            PNG<span class="hidden"> of {props.title}</span>
          </button>
        </div>
      </div>
      {failed !== undefined && (
        <p class="notice bad" role="alert">
          {failed}
        </p>
      )}
      {props.children}
      {props.legend && <Legend entries={props.legend} />}
      <div ref={frame} />
      <div class="readout" ref={readout} aria-hidden="true" />
      <figcaption>{props.says}</figcaption>
    </figure>
  )
}

const dataOf = ({ x, series }: PlotProps) => [x, ...series.map(({ values }) => values)] as uPlot.AlignedData
