/** What the datasets' readers are asked for, and what they give. */
import type { DownloadProgress } from './download.ts'

/** Labelled images of one split, as they come from a file: bytes, not yet scaled. */
export type Examples = {
  count: number
  /** One example: [height, width, channels]. */
  shape: number[]
  classes: number
  /** count × product(shape), row-major, channels last. The network scales by 1/255. */
  images: Uint8Array
  /** count labels in [0, classes). */
  labels: Uint8Array
}

export type Splits = { train: Examples; validation: Examples }

export type LoadOptions = {
  /** DATASETS_DIR: a dataset's files are in a folder of its name there. */
  directory: string
  /** Hears of the downloads that this takes. */
  onDownload?: (progress: DownloadProgress) => void
  /** Ends a download or a drawing with the signal's reason. */
  signal?: AbortSignal
}
