/** What the datasets' readers are asked for, and what they give. */
import type { DownloadProgress } from './download.ts'

/** Labelled examples of one split. */
export type Examples = {
  count: number
  /** One example: [height, width, channels], [features], or of tokens [length]. */
  shape: number[]
  classes: number
  /** Targets are `classes` numbers an example instead of labels. */
  regression?: true
  /** Examples are tokens: integers below it. */
  vocabulary?: number
  /** Labels of an example, of its last places; absent where it has one. */
  targets?: number
  /** count × product(shape), row-major, channels last. Bytes are scaled by 1/255; other numbers and tokens are what they are; then `normalization` follows. */
  images: Uint8Array | Uint16Array | Float32Array
  /** count labels, or count × targets, in [0, classes); or count × classes numbers. */
  labels: Uint8Array | Uint16Array | Float32Array
  /** Of each channel, the last axis: what is subtracted, and what the rest is divided by. */
  normalization?: Moments
}

/** By channel. */
export type Moments = { mean: number[]; deviation: number[] }

export type Splits = { train: Examples; validation: Examples }

export type LoadOptions = {
  /** DATASETS_DIR: a dataset's files are in a folder of its name there. */
  directory: string
  /** Hears of the downloads that this takes. */
  onDownload?: (progress: DownloadProgress) => void
  /** Ends a download or a drawing with the signal's reason. */
  signal?: AbortSignal
}
