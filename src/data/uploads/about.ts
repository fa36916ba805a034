/** What the numbers of an uploaded dataset are, where they are anything but bytes of images and a class each. */

export const valueKinds = ['bytes', 'numbers', 'tokens'] as const
export type ValueKind = (typeof valueKinds)[number]
export const targetKinds = ['classes', 'numbers'] as const
export type TargetKind = (typeof targetKinds)[number]

/** Absent of datasets that are bytes and classes without names: so their digests are what they always were. */
export type About = {
  /** bytes: uint8; numbers: float32; tokens: uint16, little-endian as all of them. */
  values: ValueKind
  /** Of tokens: they are below it. */
  vocabulary?: number
  /** classes: uint8, of tokens uint16; numbers: float32, as many an example as `classes` of the dataset says. */
  targets: TargetKind
  /** Of tokens: labels of an example, of its last places, where there are several. */
  places?: number
  /** Of each class, in their order. */
  classNames?: string[]
  /** Which files had float64, stored as float32: images, labels. */
  narrowed?: string[]
}

/** Bytes of a value as it is stored. */
export const valueBytes = (about: About | null): number =>
  ({ bytes: 1, numbers: 4, tokens: 2 })[about?.values ?? 'bytes']

/** Bytes of an example's target as it is stored. */
export const targetBytes = (about: About | null, classes: number): number =>
  about?.targets === 'numbers' ? 4 * classes : about?.values === 'tokens' ? 2 * (about.places ?? 1) : 1
