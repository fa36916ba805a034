/** The ledger: who lowered the loss and when, as a stack of layers and as a map of layers and iterations. */
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { crossed, stacked } from '../../figures/stacks.ts'
import { counted, number, shorten, signed, whole } from '../format.ts'
import { colours, divergingTable, signedLog, useTheme } from './colours.ts'
import { type Paint, Plot } from './plot.tsx'
import { cumulative, indexAt, type Ledger, longestSpan, mostOf, quantileOfSizes } from './series.ts'

type Props = {
  ledger: Ledger
  split: string
  span: [number, number]
  gutter: number
  onZoom?: (span?: [number, number]) => void
  csv?: () => Promise<unknown>
}

/** Cumulative LCA over what is shown, stacked by layer: below zero is what helped. */
export function StackFigure({
  ledger,
  split,
  span,
  gutter,
  onZoom,
  csv,
  title = 'Cumulative LCA by layer',
}: Props & { title?: string }) {
  const theme = useTheme()
  const { names, starts, ends } = ledger
  const palette = useMemo(() => colours(names.length, theme), [names.length, theme])
  const sums = useMemo(() => cumulative(ledger), [ledger])
  const times = useMemo(() => [starts[0] ?? 0, ...ends], [starts, ends])
  const { corners, bands, extent } = useMemo(() => {
    // Of so many the way from one to the next is a few pixels, and of many layers one crosses zero nearly everywhere.
    const isFine = times.length > 500 || times.length * sums.length > 10_000
    const { times: corners, rows } = isFine ? { times, rows: sums } : crossed(times, sums)
    return { corners, ...stacked(rows) }
  }, [times, sums])
  const total = useMemo(() => {
    const total = new Float64Array(times.length)
    for (const row of sums) for (let i = 0; i < total.length; i++) total[i] += row[i]
    return Array.from(total)
  }, [sums, times])
  const last = times.length - 1
  const paint: Paint = (context, { x, y }) => {
    // Both scales are linear: tens of thousands of places are not asked for one by one.
    const places = Float64Array.from(corners, x)
    const zero = y(0)
    // Of something as large as what is shown: of a run that blew up, 1 has no height.
    const most = extent[1] - extent[0] || 1
    const unit = (y(most) - zero) / most
    for (const [row, { from, to }] of bands.entries()) {
      context.beginPath()
      for (let i = 0; i < to.length; i++) context.lineTo(places[i], zero + to[i] * unit)
      for (let i = from.length - 1; i >= 0; i--) context.lineTo(places[i], zero + from[i] * unit)
      context.closePath()
      context.fillStyle = palette[row]
      context.globalAlpha = 0.9
      context.fill()
    }
    context.globalAlpha = 1
  }
  const order = names.map((_, row) => row).sort((a, b) => sums[a][last] - sums[b][last])
  const says =
    names.length === 0
      ? 'Nothing is allocated yet.'
      : `From iteration ${whole(times[0])} to ${whole(times[last])} the ${split} loss changed by ${signed(total[last])}, as the allocations have it. ` +
        mostOf(
          names,
          sums.map(row => row[last]),
        )
  const read = (at: [number, number] | null) => {
    const i = at === null ? last : Math.max(0, indexAt(times, at[0]))
    if (names.length === 0) return ''
    const parts = [...order]
      .sort((a, b) => Math.abs(sums[b][i]) - Math.abs(sums[a][i]))
      .slice(0, 6)
      .map(row => `${shorten(names[row], 24)} ${signed(sums[row][i], 3)}`)
    return `until ${whole(times[i])}: all ${signed(total[i], 4)} · ${parts.join(' · ')}`
  }
  return (
    <Plot
      title={title}
      says={says}
      x={times}
      span={span}
      series={[{ label: 'all', values: total, colour: '--ink', width: 1.5 }]}
      yRange={extent}
      height={300}
      gutter={gutter}
      paint={paint}
      read={read}
      onZoom={onZoom}
      csv={csv}
    >
      <div class="key">
        {names.length <= 14 &&
          names.map((name, row) => (
            <span key={name}>
              <svg viewBox="0 0 14 11" aria-hidden="true">
                <rect width="14" height="11" rx="2" fill={palette[row]} />
              </svg>
              {shorten(name, 28)}
            </span>
          ))}
        {names.length > 14 && (
          <span class="muted">
            {names.length} layers, from the first (dark) to the last (bright). Below zero helped, above hurt;
            the line is the sum.
          </span>
        )}
      </div>
    </Plot>
  )
}

/** LCA an iteration, rows of the network by spans of iterations: a canvas of single pixels that is drawn large. */
export function HeatFigure({
  ledger,
  split,
  span,
  gutter,
  onZoom,
  csv,
  onPick,
  what = 'layer',
}: Props & { onPick?: (name: string) => void; what?: 'layer' | 'variable' | 'unit' | 'class' }) {
  const theme = useTheme()
  const { names, starts, ends, lca } = ledger
  const rates = useMemo(
    () => lca.map(row => row.map((value, i) => value / (ends[i] - starts[i]))),
    [lca, starts, ends],
  )
  const most = useMemo(() => quantileOfSizes(rates, 0.995), [rates])
  const clipped = useMemo(() => {
    let cells = 0
    for (const row of rates) for (const value of row) if (Math.abs(value) > most) cells++
    return cells
  }, [rates, most])
  const image = useMemo(() => {
    if (names.length === 0 || starts.length === 0) return undefined
    const table = divergingTable(theme)
    const middle = (table.length / 3 - 1) / 2
    const pixels = new ImageData(starts.length, names.length)
    for (const [row, values] of rates.entries())
      for (let i = 0; i < values.length; i++) {
        const at = 4 * (row * starts.length + i)
        const finite = Number.isFinite(values[i])
        const colour = 3 * (middle + Math.round(signedLog(finite ? values[i] : 0, most) * middle))
        for (let c = 0; c < 3; c++) pixels.data[at + c] = table[colour + c]
        pixels.data[at + 3] = finite ? 255 : 0
      }
    const canvas = document.createElement('canvas')
    canvas.width = pixels.width
    canvas.height = pixels.height
    canvas.getContext('2d')!.putImageData(pixels, 0, 0)
    return canvas
  }, [rates, most, theme, names.length, starts.length])
  const paint: Paint = (context, { x, y }) => {
    if (!image) return
    context.imageSmoothingEnabled = false
    // Spans need not touch, for segments are allocated in any order; the first and the last may be shorter than the others.
    for (let i = 0, end = 1; i < starts.length; i = end++) {
      while (
        end < starts.length &&
        starts[end] === ends[end - 1] &&
        ends[end] - starts[end] === ends[i] - starts[i]
      )
        end++
      const left = x(starts[i])
      const width = x(ends[end - 1]) - left
      context.drawImage(image, i, 0, end - i, names.length, left, y(0), width, y(names.length) - y(0))
    }
  }
  const bucket = longestSpan(ledger)
  const several = what === 'class' ? 'classes' : `${what}s`
  const { best, worst } = useMemo(() => extremesOf(rates), [rates])
  const at = ({ row, i, value }: Cell) =>
    `${names[row]} in ${ends[i] - starts[i] === 1 ? 'iteration' : 'the iterations from'} ${whole(starts[i])} (${signed(value, 3)}${ends[i] - starts[i] === 1 ? '' : ' an iteration'})`
  const says =
    image === undefined
      ? 'Nothing is allocated yet.'
      : `LCA on ${split} of ${counted(names.length, what, several)} in ${bucket === 1 ? counted(starts.length, 'iteration') : `${counted(starts.length, 'span')} of ${whole(bucket)} iterations`}. Helped most: ${at(best)}. Hurt most: ${at(worst)}.`
  const read = (at: [number, number] | null) => {
    if (at === null) return 'Point at a cell to read it; drag to zoom.'
    const i = indexAt(starts, at[0])
    const row = Math.floor(at[1])
    if (i < 0 || at[0] > ends[i] || row < 0 || row >= names.length) return ''
    const when =
      ends[i] - starts[i] === 1
        ? `iteration ${whole(starts[i])}`
        : `iterations ${whole(starts[i])}–${whole(ends[i] - 1)}`
    return `${names[row]}, ${when}: ${signed(rates[row][i], 4)}${ends[i] - starts[i] === 1 ? '' : ' an iteration'}`
  }
  const height = Math.max(140, Math.min(620, 44 + names.length * (names.length > 30 ? 11 : 24)))
  return (
    <Plot
      title={`LCA of every ${what} over time`}
      says={says}
      x={starts.length === 0 ? [0] : [starts[0], ends[ends.length - 1]]}
      span={span}
      series={[]}
      names={names}
      height={height}
      gutter={gutter}
      paint={paint}
      read={read}
      onZoom={onZoom}
      onPick={([, y]) => names[Math.floor(y)] !== undefined && onPick?.(names[Math.floor(y)])}
      csv={csv}
    >
      <Ramp most={most} clipped={clipped} theme={theme} />
    </Plot>
  )
}

type Cell = { row: number; i: number; value: number }

/** The lowest cell and the highest: of several the first. */
function extremesOf(rates: Float64Array[]): { best: Cell; worst: Cell } {
  const best: Cell = { row: 0, i: 0, value: Number.POSITIVE_INFINITY }
  const worst: Cell = { row: 0, i: 0, value: Number.NEGATIVE_INFINITY }
  for (let row = 0; row < rates.length; row++)
    for (let i = 0; i < rates[row].length; i++) {
      const value = rates[row][i]
      if (value > worst.value) Object.assign(worst, { row, i, value })
      if (value < best.value) Object.assign(best, { row, i, value })
    }
  return { best, worst }
}

/** The key of the colours. */
function Ramp({ most, clipped, theme }: { most: number; clipped: number; theme: 'light' | 'dark' }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const table = divergingTable(theme)
    const width = table.length / 3
    const pixels = new ImageData(width, 1)
    for (let i = 0; i < width; i++) {
      for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = table[3 * i + c]
      pixels.data[4 * i + 3] = 255
    }
    canvas.current!.getContext('2d')!.putImageData(pixels, 0, 0)
  }, [theme])
  return (
    <div class="ramp">
      <span>helps {number(-most, 2)}</span>
      <canvas ref={canvas} width={511} height={1} aria-hidden="true" />
      <span>+{number(most, 2)} hurts</span>
      <span>
        an iteration, signed logarithmic scale over three decades
        {clipped > 0 && `; ${counted(clipped, 'cell')} beyond ${clipped === 1 ? 'is' : 'are'} clipped`}
      </span>
    </div>
  )
}
