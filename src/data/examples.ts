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
