/**
 * Images as they lie in files, into the order in which they are stored: example by example, row by row, channels last.
 * Memory holds a block of them, whatever the file has; the first axis fastest (Fortran order), a file of several blocks
 * goes through the object store once more.
 */
import { DatasetError } from '../errors.ts'
import type { Append } from './examples.ts'

export const layouts = ['nhwc', 'nchw', 'sequence'] as const
/** Whether the channels of an example are its last axis or its first; or it is no image, but [length, features]. */
export type Layout = (typeof layouts)[number]

export type Arrangement = {
  count: number
  /** Of an example: height, width, channels. */
  shape: [number, number, number]
  /** Between neighbours along height, width and channels: their distance in an example of the file. */
  steps: [number, number, number]
  /** Whether neighbours in the file are of different examples, all of which follow each other. */
  across: boolean
  /** Of a value; 1 if absent. Across examples it is 1. */
  bytes?: number
}

/** Bytes that lie in the object store meanwhile. */
export type Scratch = {
  append: Append
  /** Makes what was appended readable. */
  close(): Promise<void>
  read(start: number, end: number): Promise<Uint8Array>
  remove(): Promise<void>
}
export type OpenScratch = () => Promise<Scratch>

/** Takes bytes in the order of a file; `end` when there are no more. */
export type Sink = { append: Append; end(): Promise<void> }

/** Bytes of a block. */
const blockBytes = 2 ** 24
/** Values of an example that is not in order: it must be in memory whole, and nothing else happens while it is put in order. */
const mostOfAnExample = 2 ** 22
/** Bytes put in order before the event loop gets its turn. */
const atOnce = 2 ** 20
const readsAtOnce = 8

/** How images of this shape, [n, height, width] or with channels, lie in a file. */
export function arrangementOf(shape: number[], fortran: boolean, layout: Layout): Arrangement {
  const [count, ...axes] = shape
  const [h, w, c] = axes.length === 2 ? [0, 1, -1] : layout === 'nchw' ? [1, 2, 0] : [0, 1, 2]
  const stepOf = (axis: number) =>
    (fortran ? axes.slice(0, axis) : axes.slice(axis + 1)).reduce((a, b) => a * b, 1)
  return {
    count,
    shape: [axes[h], axes[w], axes[c] ?? 1],
    steps: [stepOf(h), stepOf(w), c < 0 ? 1 : stepOf(c)],
    across: fortran && count > 1,
  }
}

/**
 * A sink that passes the bytes of images on in the order in which they are stored. Throws DatasetError where an example is
 * too large to be put in order. `openScratch` is called where the file is more than a block.
 */
export function arrange(
  arrangement: Arrangement,
  name: string,
  append: Append,
  openScratch: OpenScratch,
  mostOfABlock = blockBytes,
): Sink {
  const { count, shape, across, bytes = 1 } = arrangement
  const size = shape.reduce((a, b) => a * b, 1) * bytes
  if (!across && isInOrder(arrangement)) return { append, end: async () => {} }
  if (size > mostOfAnExample)
    throw new DatasetError(
      `${name}: expected images of at most ${mostOfAnExample} values where they are in another order than C’s with channels last, found ${size}: save np.ascontiguousarray(…) of (n, height, width, channels)`,
    )
  const passOn = async (examples: Uint8Array) => {
    const some = Math.max(1, Math.floor(atOnce / size)) * size
    for (let at = 0; at < examples.length; at += some)
      await append(inOrder(examples.subarray(at, at + some), arrangement))
  }
  return across
    ? acrossExamples(count, size, passOn, openScratch, mostOfABlock)
    : withinExamples(size, passOn)
}

function isInOrder({ shape: [, width, channels], steps }: Arrangement): boolean {
  return steps[0] === width * channels && steps[1] === channels && steps[2] === 1
}

/** Whole examples of a file, each with its values in the order in which they are stored. */
function inOrder(
  examples: Uint8Array,
  { shape: [height, width, channels], steps, bytes = 1 }: Arrangement,
): Uint8Array {
  const [down, right, deep] = steps.map(step => step * bytes)
  const size = height * width * channels * bytes
  const ordered = new Uint8Array(examples.length)
  let to = 0
  for (let start = 0; start < examples.length; start += size)
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++) {
        let from = start + i * down + j * right
        for (let k = 0; k < channels; k++, from += deep)
          for (let b = 0; b < bytes; b++) ordered[to++] = examples[from + b]
      }
  return ordered
}

/** Examples that follow each other. */
function withinExamples(size: number, passOn: Append): Sink {
  const block = new Uint8Array(Math.max(1, Math.floor(2 ** 16 / size)) * size)
  let filled = 0
  return {
    async append(bytes) {
      for (let taken = 0; taken < bytes.length; ) {
        const some = bytes.subarray(taken, taken + block.length - filled)
        block.set(some, filled)
        filled += some.length
        taken += some.length
        if (filled === block.length) {
          await passOn(block)
          filled = 0
        }
      }
    },
    end: () => passOn(block.subarray(0, filled)),
  }
}

/**
 * Examples that are interleaved: first the first value of each, then the second of each. Transposed out of core in two
 * passes: as they come, into panels of as many values of every example as a block holds, [count, width] each; then, block
 * by block of examples, out of all panels.
 */
function acrossExamples(
  count: number,
  size: number,
  passOn: Append,
  openScratch: OpenScratch,
  mostOfABlock: number,
): Sink {
  const width = Math.min(size, Math.max(1, Math.floor(mostOfABlock / count)))
  const widthOf = (panel: number) => Math.min(width, size - panel * width)
  const panels = Math.ceil(size / width)
  let scratch: Scratch | undefined
  // A panel of single values is as it came, and may be larger than a block.
  let panel = new Uint8Array(width === 1 ? 0 : count * width)
  let value = 0
  let example = 0

  /** Puts the next bytes of one value of the examples where they belong. */
  const scatter = (bytes: Uint8Array) => {
    const step = widthOf(Math.floor(value / width))
    let at = example * step + (value % width)
    for (let i = 0; i < bytes.length; i++, at += step) panel[at] = bytes[i]
  }
  const pass = async () => {
    const perBlock = Math.max(1, Math.floor(mostOfABlock / size))
    for (let from = 0; from < count; from += perBlock) {
      const to = Math.min(count, from + perBlock)
      const block = new Uint8Array((to - from) * size)
      const fill = async (index: number) => {
        const own = widthOf(index)
        const start = index * width * count
        const rows = await scratch!.read(start + from * own, start + to * own)
        for (let row = 0; row < to - from; row++)
          block.set(rows.subarray(row * own, (row + 1) * own), row * size + index * width)
      }
      for (let first = 0; first < panels; first += readsAtOnce)
        await Promise.all(
          Array.from({ length: Math.min(readsAtOnce, panels - first) }, (_, i) => fill(first + i)),
        )
      await passOn(block)
    }
  }

  return {
    async append(bytes) {
      if (panels > 1) scratch ??= await openScratch()
      if (width === 1) return scratch === undefined ? passOn(bytes) : scratch.append(bytes)
      for (let taken = 0; taken < bytes.length; ) {
        const some = bytes.subarray(taken, taken + count - example)
        scatter(some)
        taken += some.length
        example += some.length
        if (example < count) continue
        example = 0
        value++
        if (scratch === undefined || (value % width !== 0 && value < size)) continue
        await scratch.append(panel.subarray(0, count * widthOf(Math.floor((value - 1) / width))))
      }
    },
    async end() {
      if (scratch === undefined) {
        if (width > 1) await passOn(panel)
        return
      }
      panel = new Uint8Array(0)
      await scratch.close()
      await pass()
      await scratch.remove()
    },
  }
}
