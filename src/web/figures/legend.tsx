/** What the colours of a figure mean: beside it in the page, and within the files that it is saved as. */

export type Entry = { label: string; colour: string; band: boolean }

export const Legend = ({ entries }: { entries: Entry[] }) => (
  <div class="key">
    {entries.map(({ label, colour, band }, i) => (
      <span key={i} dir="auto">
        <svg viewBox="0 0 14 11" aria-hidden="true">
          {band && <rect width="14" height="11" fill={colour} opacity={bandAlpha} />}
          <rect y="4" width="14" height="3" fill={colour} />
        </svg>
        {label}
      </span>
    ))}
  </div>
)

/** How much of its colour a band has: lines and grid show through several that lie over each other. */
export const bandAlpha = 0.22
const lineHeight = 18

/** Where the entries stand, in columns as wide as the longest needs: left ends and baselines, and how high all are. */
export function places(entries: Entry[], width: number): { at: [x: number, y: number][]; height: number } {
  const column = 40 + 7 * Math.max(0, ...entries.map(({ label }) => [...label].length))
  const columns = Math.max(1, Math.floor(width / column))
  return {
    at: entries.map((_, i) => [(i % columns) * column, (Math.floor(i / columns) + 1) * lineHeight]),
    height: Math.ceil(entries.length / columns) * lineHeight,
  }
}

/** The canvas with its legend below, as a new one; `scale`: its pixels in one of the page. */
export function withLegend(
  canvas: HTMLCanvasElement,
  entries: Entry[],
  { scale, ink, font }: { scale: number; ink: string; font: string },
): HTMLCanvasElement {
  const { at, height } = places(entries, canvas.width / scale - 24)
  const made = document.createElement('canvas')
  made.width = canvas.width
  made.height = canvas.height + (height + 10) * scale
  const context = made.getContext('2d')!
  context.drawImage(canvas, 0, 0)
  context.scale(scale, scale)
  context.font = font
  for (const [i, { label, colour, band }] of entries.entries()) {
    const [x, y] = [12 + at[i][0], canvas.height / scale + at[i][1]]
    context.fillStyle = colour
    context.globalAlpha = band ? bandAlpha : 0
    context.fillRect(x, y - 10, 14, 11)
    context.globalAlpha = 1
    context.fillRect(x, y - 6, 14, 3)
    context.fillStyle = ink
    context.fillText(label, x + 20, y)
  }
  return made
}
