/**
 * A figure as a file of its own, in SVG: what uPlot and a figure's own paint put on a canvas, drawn again as shapes. It is
 * made of nodes, so no name in it can be anything but text.
 */
import type uPlot from 'uplot'
import { whole } from '../format.ts'
import { fileName, saveBlob } from '../parts/save.ts'
import { labelsOf } from './axes.ts'
import { themed } from './colours.ts'
import { bandAlpha, places } from './legend.tsx'
import type { PlotProps } from './plot.tsx'
import { marginOf } from './room.ts'
import { logarithmic as byLogarithm, linear } from './scales.ts'

const space = 'http://www.w3.org/2000/svg'
/** Where nodes are made: in a document that shows nothing, loads nothing and has no policy. */
const shelf = document.implementation.createHTMLDocument('')
const font = 'system-ui, "DejaVu Sans", sans-serif'

function node(name: string, attributes: Record<string, string | number>, text?: string): SVGElement {
  const made = shelf.createElementNS(space, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  if (text !== undefined) made.textContent = text
  return made
}

const written = (svg: SVGElement): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`

export function saveSvg(svg: SVGElement, title: string): void {
  saveBlob(new Blob([written(svg)], { type: 'image/svg+xml' }), `${fileName(title)}.svg`)
}

/** What of the style of a shape goes with it; the page's sheet does not. */
const carried = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'fill-opacity',
  'text-anchor',
]

/** A figure that is SVG in the page already, as the theme that is on shows it. */
export function savePageSvg(shown: SVGSVGElement, title: string): void {
  const copy = shelf.importNode(shown, true)
  const box = shown.viewBox.baseVal
  const seen = shown.getBoundingClientRect()
  const [width, height] = box && box.width > 0 ? [box.width, box.height] : [seen.width, seen.height]
  const copies = copy.querySelectorAll('*')
  for (const [i, one] of shown.querySelectorAll('*').entries()) {
    const style = getComputedStyle(one)
    for (const name of carried) {
      const value = style.getPropertyValue(name)
      if (value !== '') copies[i].setAttribute(name, value)
    }
    copies[i].removeAttribute('class')
    copies[i].removeAttribute('style')
  }
  copy.removeAttribute('style')
  const about = { xmlns: space, width, height, 'font-family': font, 'font-size': 12 }
  for (const [name, value] of Object.entries(about)) copy.setAttribute(name, String(value))
  const says = copy.getAttribute('aria-label')
  copy.prepend(
    ...(says === null ? [] : [node('desc', {}, says)]),
    node('rect', { width, height, fill: themed('--paper') }),
  )
  saveSvg(copy, title)
}

/** A figure that is drawn by uPlot, as it is now. */
export function plotSvg(props: PlotProps, plot: uPlot): SVGElement {
  const { title, says, x, span, series, names, logarithmic = false, gutter, xLabel = 'iteration' } = props
  const { width } = plot
  const top = 34
  const inner = { left: gutter, top, width: width - gutter - marginOf(span), height: plot.height - 44 }
  const legend = places(props.legend ?? [], width - 24)
  const height = top + inner.height + 50 + legend.height
  const svg = node('svg', { xmlns: space, width, height, viewBox: `0 0 ${width} ${height}` })
  svg.setAttribute('font-family', font)
  svg.setAttribute('font-size', '12')
  svg.append(
    node('title', {}, title),
    node('desc', {}, says),
    node('rect', { width, height, fill: themed('--paper') }),
    node('text', { x: 12, y: 21, fill: themed('--ink'), 'font-size': 15, 'font-weight': 600 }, title),
  )
  const across = linear(span, [inner.left, inner.left + inner.width])
  const { min = 0, max = 1 } = plot.scales.y
  const ends: [number, number] = names ? [names.length, 0] : [min ?? 0, max ?? 1]
  const up = (logarithmic && ends[0] > 0 ? byLogarithm : linear)(ends, [inner.top + inner.height, inner.top])

  const [grid, muted] = [themed('--grid'), themed('--muted')]
  const label = (text: string, x: number, y: number, anchor: string) =>
    svg.append(node('text', { x, y, fill: muted, 'text-anchor': anchor }, text))
  for (const tick of across.ticks(Math.max(2, Math.floor(inner.width / 90)))) {
    svg.append(line(across(tick), inner.top, across(tick), inner.top + inner.height, grid))
    label(whole(tick), across(tick), inner.top + inner.height + 18, 'middle')
  }
  if (names) {
    const step = Math.ceil((names.length * 15) / inner.height)
    for (let row = 0; row < names.length; row += step)
      label(short(names[row], gutter), inner.left - 6, up(row + 0.5) + 4, 'end')
  } else {
    const ticks = up.ticks(Math.max(2, Math.floor(inner.height / 45)))
    const labels = labelsOf(ticks, logarithmic && ends[0] > 0)
    for (const [i, tick] of ticks.entries()) {
      svg.append(line(inner.left, up(tick), inner.left + inner.width, up(tick), grid))
      label(labels[i], inner.left - 6, up(tick) + 4, 'end')
    }
  }
  label(xLabel, inner.left + inner.width / 2, inner.top + inner.height + 38, 'middle')

  for (const [i, { label, colour, band }] of (props.legend ?? []).entries()) {
    const [x, y] = [12 + legend.at[i][0], top + inner.height + 42 + legend.at[i][1]]
    if (band)
      svg.append(node('rect', { x, y: y - 10, width: 14, height: 11, fill: colour, opacity: bandAlpha }))
    svg.append(
      node('rect', { x, y: y - 6, width: 14, height: 3, fill: colour }),
      node('text', { x: x + 20, y, fill: themed('--ink') }, label),
    )
  }

  const clip = node('clipPath', { id: 'inside' })
  clip.append(node('rect', { x: inner.left, y: inner.top, width: inner.width, height: inner.height }))
  const inside = node('g', { 'clip-path': 'url(#inside)' })
  svg.append(clip, inside)
  props.paint?.(recorder(inside), { x: across, y: up, box: inner })
  for (const { values, colour, width: stroke = 1.75, dash, dots, gaps } of series) {
    const ink = colour.startsWith('--') ? themed(colour) : colour
    const points: [number, number][] = []
    let path = ''
    let letter = 'M'
    for (const [i, value] of values.entries())
      if (value !== null && Number.isFinite(value) && x[i] >= span[0] && x[i] <= span[1]) {
        points.push([across(x[i]), up(value)])
        path += `${letter}${round(across(x[i]))} ${round(up(value))}`
        letter = 'L'
      } else if (gaps) letter = 'M'
    if (dots)
      for (const [cx, cy] of points)
        inside.append(node('circle', { cx: round(cx), cy: round(cy), r: 2, fill: ink }))
    else
      inside.append(
        node('path', {
          d: path,
          ...{ fill: 'none', stroke: ink, 'stroke-width': stroke, 'stroke-linejoin': 'round' },
          ...(dash && { 'stroke-dasharray': dash.join(' ') }),
        }),
      )
  }
  return svg
}

const round = (value: number) => Math.round(value * 100) / 100
const line = (x1: number, y1: number, x2: number, y2: number, stroke: string) =>
  node('line', { x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2), stroke })

/** As much of a name as the margin has room for. */
function short(name: string, gutter: number): string {
  const letters = [...name]
  const most = Math.max(4, Math.floor((gutter - 10) / 6.6))
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : name
}

/** Of a canvas what figures paint with (filled shapes, images of single pixels), as nodes. */
function recorder(into: SVGElement): CanvasRenderingContext2D {
  let path = ''
  const to = (letter: string) => (x: number, y: number) => {
    path += `${path === '' ? 'M' : letter}${round(x)} ${round(y)}`
  }
  const recording = {
    ...{ fillStyle: '#000', globalAlpha: 1, imageSmoothingEnabled: false },
    ...{ save() {}, restore() {}, moveTo: to('M'), lineTo: to('L') },
    beginPath() {
      path = ''
    },
    closePath() {
      path += 'Z'
    },
    fill() {
      into.append(node('path', { d: path, fill: this.fillStyle, 'fill-opacity': this.globalAlpha }))
    },
    fillRect(x: number, y: number, width: number, height: number) {
      into.append(
        node('path', {
          d: `M${round(x)} ${round(y)}h${round(width)}v${round(height)}h${round(-width)}Z`,
          ...{ fill: this.fillStyle, 'fill-opacity': this.globalAlpha },
        }),
      )
    },
    /** A part of the image, stretched to a box. */
    drawImage(image: HTMLCanvasElement, ...[sx, sy, sw, sh, x, y, width, height]: number[]) {
      const part = node('svg', {
        ...{ x: round(x), y: round(y), width: round(width), height: round(height) },
        ...{ viewBox: `${sx} ${sy} ${sw} ${sh}`, preserveAspectRatio: 'none' },
      })
      part.append(
        node('image', {
          ...{ href: image.toDataURL(), width: image.width, height: image.height },
          'image-rendering': 'pixelated',
        }),
      )
      into.append(part)
    },
  }
  // Nothing else of a context is used by a paint.
  return recording as unknown as CanvasRenderingContext2D
}
