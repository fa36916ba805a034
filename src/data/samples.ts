/** A look into a dataset: a few examples of each class, and how many there are of each. */
import { DatasetError } from './errors.ts'
import type { Examples } from './examples.ts'

export type Sampled = {
  /** One example: [height, width, channels], [features], or of tokens [length]. */
  shape: number[]
  /** null: targets are numbers. */
  classes: number | null
  /** Examples of each class, of those counted; null where there are no classes. */
  counts: number[] | null
  counted: number
  /** Examples that there are; null: there is no end to them. */
  of: number | null
  samples: { index: number; labels: number[]; values: Uint8Array | number[] }[]
}

/** Examples that are taken of each class, so that there are about n, and of which: the first of each, in their order. */
export function pickByClass(labels: ArrayLike<number>, classes: number, n: number): number[] {
  const each = Math.max(1, Math.ceil(n / classes))
  const taken = new Uint32Array(classes)
  const picked: number[] = []
  for (let i = 0; i < labels.length && picked.length < n; i++) if (taken[labels[i]]++ < each) picked.push(i)
  return picked
}

/** Counts labels. Throws DatasetError for one that is none. */
export function countLabels(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] >= classes) throw new DatasetError(`a label is ${labels[i]}, of ${classes} classes`)
    counts[labels[i]]++
  }
  return counts
}

/** Of examples that are in memory. Where one has several labels, its class is its last one. */
export function sampleOf(examples: Examples, n: number, of: number | null): Sampled {
  const { count, shape, classes, targets = 1, images, labels } = examples
  const size = shape.reduce((a, b) => a * b, 1)
  const last = lastOf(labels, targets)
  return {
    ...{ shape, classes, counted: count, of },
    counts: countLabels(last, classes),
    samples: pickByClass(last, classes, n).map(index => ({
      index,
      labels: Array.from(labels.subarray(index * targets, (index + 1) * targets)),
      values: shownValues(images.subarray(index * size, (index + 1) * size), shape),
    })),
  }
}

/** The last of every so many labels. */
export const lastOf = <T extends Uint8Array | Uint16Array | Float32Array>(labels: T, places: number): T =>
  places === 1 ? labels : (labels.filter((_, i) => i % places === places - 1) as T)

/** An image of bytes as it is, anything else as numbers. */
export const shownValues = (
  values: Uint8Array | Uint16Array | Float32Array,
  shape: number[],
): Uint8Array | number[] =>
  values instanceof Uint8Array && shape.length === 3 ? values.slice() : Array.from(values)
