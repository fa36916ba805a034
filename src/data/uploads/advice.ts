/**
 * What to do about values that are not what they should be, as Python with numpy. Each piece of advice is for the very
 * values of a file: done as it says, it makes a file that is taken, and spoils nothing.
 */

/** What is known of the values of a file once all of them have been looked at. */
export type Survey = {
  count: number
  low: number
  high: number
  sum: number
  /** Whether all are whole numbers. */
  whole: boolean
  /** NaN and infinities; the rest of this is about the other values. */
  infinite: number
  /** As many different values as there are; one more than `mostClasses` where there are more than that. */
  distinct: Set<number>
}

/** Labels are stored as bytes. */
export const mostClasses = 256

/** Looks at values one by one. */
export function makeSurvey(): { survey: Survey; add(value: number): void } {
  const survey: Survey = {
    ...{ count: 0, low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY, sum: 0 },
    ...{ whole: true, infinite: 0, distinct: new Set<number>() },
  }
  const add = (value: number) => {
    survey.count++
    if (!Number.isFinite(value)) {
      survey.infinite++
      return
    }
    survey.sum += value
    if (value < survey.low) survey.low = value
    if (value > survey.high) survey.high = value
    if (survey.whole && !Number.isInteger(value)) survey.whole = false
    if (survey.distinct.size <= mostClasses) survey.distinct.add(value)
  }
  return { survey, add }
}

/** How images of other values become bytes. `images`: the Python for the array. */
export function adviceOnImages(images: string, survey: Survey): string {
  const { low, high, whole, infinite } = survey
  const bytes = (expression: string) => `${expression}.round().astype("uint8")`
  if (infinite > 0) {
    const finite = low > high ? 0 : low
    const most = low > high ? 1 : Math.max(high, finite + 1)
    return (
      `${infinite} of the values are NaN or infinite: put something in their place, such as the least, and the rest on 0 to 255: ` +
      bytes(`np.interp(np.nan_to_num(${images}, nan=${finite}), (${finite}, ${most}), (0, 255))`)
    )
  }
  const found = `the values lie from ${low} to ${high}`
  if (low >= 0 && high <= 1) {
    const black = `${found}: where 1 is white, ${bytes(`(${images} * 255.0)`)}`
    return whole && high === 1 ? `${black}; where it is one step of 255, ${images}.astype("uint8")` : black
  }
  if (low >= 0 && high <= 255) return `${found}: ${whole ? `${images}.astype("uint8")` : bytes(images)}`
  if (low >= -1 && high <= 1) return `${found}: where −1 is black, ${bytes(`((${images} + 1.0) * 127.5)`)}`
  if (low >= -128 && high <= 127 && whole)
    return `${found}: where −128 is black, (${images}.astype("int16") + 128).astype("uint8")`
  const scaled = (from: number, to: number) => bytes(`np.interp(${images}, (${from}, ${to}), (0, 255))`)
  // Of n bits, as cameras and scanners have them.
  const full = 2 ** Math.ceil(Math.log2(high + 1)) - 1
  if (low >= 0 && whole && full <= 65_535)
    return `${found}: where ${full} is white (choose it as the data have it, and the same for all files), ${scaled(0, full)}`
  return `${found}: choose what is to be black and what white, the same for all files, such as ${scaled(low, high > low ? high : low + 1)}`
}

/** How labels of other values become whole numbers from 0. `labels`: the Python for the array; `test`: of a test set. */
export function adviceOnLabels(labels: string, survey: Survey, test: boolean): string {
  const { low, high, whole, infinite, distinct } = survey
  if (infinite > 0) return `${infinite} of the values are NaN or infinite`
  if (!whole) return `the values lie from ${low} to ${high} and are not whole numbers: no classes`
  if (low >= 0 && high < mostClasses) return `${labels}.astype("uint8")`
  if (distinct.size > mostClasses)
    return `they have more than ${mostClasses} different values, and a dataset at most ${mostClasses} classes`
  return `the values lie from ${low} to ${high}: ${numbered(labels, test)} numbers the ${distinct.size} different ones from 0`
}

/** Python that numbers classes in the order of what they are called now; those of a test set as those of its training set. */
export const numbered = (labels: string, test: boolean): string =>
  test ? `np.searchsorted(np.unique(labels), ${labels})` : `np.searchsorted(np.unique(${labels}), ${labels})`

/** Whether rows of values for `examples` look like one-hot labels or probabilities: from 0 to 1, and 1 a row. */
export const looksOneHot = ({ low, high, sum, infinite }: Survey, examples: number): boolean =>
  infinite === 0 && low >= 0 && high <= 1 && Math.abs(sum - examples) <= 1e-3 * examples

const isSquare = (count: number) => Number.isInteger(Math.sqrt(count))

/** How an array of another shape becomes one of images: Python, and what is to be known about it; undefined: unknown. */
export function reshaped(shape: number[]): { images: string; beside?: string } | undefined {
  const [count, ...rest] = shape
  if (rest.length === 1) {
    const [size] = rest
    if (isSquare(size)) return { images: `images.reshape(-1, ${Math.sqrt(size)}, ${Math.sqrt(size)})` }
    const side = Math.sqrt(size / 3)
    if (Number.isInteger(side))
      return {
        images: `images.reshape(-1, 3, ${side}, ${side})`,
        beside: `, with layout=nchw, where the reds come first, then the greens and blues; (-1, ${side}, ${side}, 3) where each pixel’s three values are together`,
      }
    return undefined
  }
  const longer = rest.filter(size => size > 1)
  if (rest.length > 3 && (longer.length === 2 || longer.length === 3))
    return { images: `images.reshape(${[count, ...longer].join(', ')})` }
  return undefined
}
