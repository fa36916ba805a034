/**
 * synthetic-digits: handwriting-like digits on 28×28 grey pixels, drawn instead of downloaded. Strokes whose points are
 * jittered go through a random affine map and are inked with a pen of random width; noise, contrast and stray ink
 * follow.
 *
 * Every example is a pure function of (seed, split, index): asking for more keeps the first ones. Only + − × ÷ √ are
 * used on the way to a pixel, which IEEE 754 rounds correctly everywhere, so the bytes do not depend on the machine.
 */
import { setImmediate } from 'node:timers/promises'
import { type RandomStream, randomStream } from '../nn/random.ts'
import type { SplitName } from '../spec/schema.ts'
import type { Examples } from './examples.ts'
import { glyphs, type Stroke } from './glyphs.ts'

export const side = 28
const pixels = side * side

/** Straight pieces that a curve between two of its points is drawn with. */
const piecesPerSpan = 4

type Point = [x: number, y: number]

/**
 * `count` examples of a split, labels uniform over 0 … 9. Yields to the event loop every 500; `signal` then ends it with
 * its reason.
 */
export async function drawDigits(
  seed: number,
  split: SplitName,
  count: number,
  options: { signal?: AbortSignal } = {},
): Promise<Examples> {
  const images = new Uint8Array(count * pixels)
  const labels = new Uint8Array(count)
  const ink = new Float64Array(pixels)
  for (let index = 0; index < count; index++) {
    if (index % 500 === 0) {
      await setImmediate()
      options.signal?.throwIfAborted()
    }
    const stream = randomStream('synthetic-digits', seed, split, index)
    labels[index] = stream.integer(10)
    drawDigit(labels[index], stream, ink)
    develop(ink, stream, images.subarray(index * pixels, (index + 1) * pixels))
  }
  return { count, shape: [side, side, 1], classes: 10, images, labels }
}

/** Writes one digit's ink, from 0 (paper) to 1, into `ink`. */
function drawDigit(digit: number, stream: RandomStream, ink: Float64Array): void {
  ink.fill(0)
  const place = randomPlacement(stream)
  const radius = between(stream, 0.65, 1.6)
  const styles = glyphs[digit]
  for (const stroke of styles[stream.integer(styles.length)]) {
    const drift: Point = [between(stream, -0.06, 0.06), between(stream, -0.06, 0.06)]
    const points = stroke.points.map(([x, y]): Point => {
      return place(x + drift[0] + between(stream, -0.1, 0.1), y + drift[1] + between(stream, -0.1, 0.1))
    })
    inkPath(pathOf(stroke, points), radius, ink)
  }
  // Stray ink: now and then the pen touched the paper elsewhere.
  if (stream.uniform() < 0.3) {
    const [x, y] = [between(stream, 2, side - 2), between(stream, 2, side - 2)]
    inkPath(
      [
        [x, y],
        [x + between(stream, -5, 5), y + between(stream, -5, 5)],
      ],
      radius * 0.8,
      ink,
    )
  }
}

/**
 * A random affine map from the glyph's box to pixels: scale, shear, then a rotation by θ. With u = tan(θ/2) uniform,
 * cos θ = (1 − u²)/(1 + u²) and sin θ = 2u/(1 + u²) need no trigonometry.
 */
function randomPlacement(stream: RandomStream): (x: number, y: number) => Point {
  const u = between(stream, -0.14, 0.14)
  const cos = (1 - u * u) / (1 + u * u)
  const sin = (2 * u) / (1 + u * u)
  const width = between(stream, 6.5, 11)
  const height = between(stream, 7, 10.5)
  const shear = between(stream, -0.28, 0.28)
  const centerX = side / 2 + between(stream, -2.25, 2.25)
  const centerY = side / 2 + between(stream, -2.25, 2.25)
  return (x, y) => {
    const across = width * x + shear * height * y
    const down = height * y
    return [centerX + cos * across - sin * down, centerY + sin * across + cos * down]
  }
}

/** The polyline of a stroke. Curves are uniform Catmull–Rom splines; an open one's ends stand in for their neighbours. */
function pathOf({ curved, closed }: Stroke, points: Point[]): Point[] {
  if (!curved) return points
  const n = points.length
  const at = (i: number) => (closed ? points[(i + n) % n] : points[Math.min(Math.max(i, 0), n - 1)])
  const path: Point[] = [points[0]]
  for (let i = 0; i < (closed ? n : n - 1); i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)]
    for (let piece = 1; piece <= piecesPerSpan; piece++) {
      const t = piece / piecesPerSpan
      path.push([spline(a[0], b[0], c[0], d[0], t), spline(a[1], b[1], c[1], d[1], t)])
    }
  }
  return path
}

/** ½·(2b + (c − a)t + (2a − 5b + 4c − d)t² + (3b − a − 3c + d)t³): through b at t = 0 and c at t = 1. */
function spline(a: number, b: number, c: number, d: number, t: number): number {
  return 0.5 * (2 * b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
}

/** Inks the pixels near a polyline: fully within `radius` − ½ of it, fading to none at `radius` + ½. */
function inkPath(path: Point[], radius: number, ink: Float64Array): void {
  const reach = radius + 0.5
  for (let i = 1; i < path.length; i++) {
    const [ax, ay] = path[i - 1]
    const dx = path[i][0] - ax
    const dy = path[i][1] - ay
    const squared = dx * dx + dy * dy
    const left = Math.max(0, Math.ceil(Math.min(ax, ax + dx) - reach))
    const right = Math.min(side - 1, Math.floor(Math.max(ax, ax + dx) + reach))
    const top = Math.max(0, Math.ceil(Math.min(ay, ay + dy) - reach))
    const bottom = Math.min(side - 1, Math.floor(Math.max(ay, ay + dy) + reach))
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const px = x - ax
        const py = y - ay
        const along = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0
        const ex = px - along * dx
        const ey = py - along * dy
        const shade = Math.min(1, reach - Math.sqrt(ex * ex + ey * ey))
        if (shade > ink[y * side + x]) ink[y * side + x] = shade
      }
    }
  }
}

/** Ink to grey bytes: a random contrast and paper, and noise with the density of a sum of two uniforms. */
function develop(ink: Float64Array, stream: RandomStream, image: Uint8Array): void {
  const contrast = between(stream, 130, 255)
  const paper = between(stream, 0, 30)
  const noise = between(stream, 8, 50) / 255
  for (let i = 0; i < pixels; i += 2) {
    const bits = stream.uint32()
    const first = (bits & 255) + ((bits >>> 8) & 255) - 255
    const second = ((bits >>> 16) & 255) + (bits >>> 24) - 255
    image[i] = grey(paper + contrast * ink[i] + noise * first)
    image[i + 1] = grey(paper + contrast * ink[i + 1] + noise * second)
  }
}

const grey = (value: number) => Math.min(255, Math.max(0, Math.round(value)))
const between = (stream: RandomStream, low: number, high: number) => low + (high - low) * stream.uniform()
