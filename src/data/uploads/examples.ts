/** Images and labels out of files as they arrive, checked value by value, and passed on as bytes. */
import { DatasetError, TooLargeError } from '../errors.ts'
import {
  adviceOnImages,
  adviceOnLabels,
  looksOneHot,
  makeSurvey,
  mostClasses,
  numbered,
  reshaped,
  type Survey,
} from './advice.ts'
import { arrange, arrangementOf, type Layout, type OpenScratch } from './arrangement.ts'
import { type Header, readHeader } from './header.ts'
import type { ByteSource } from './source.ts'
import { unsignedByte } from './values.ts'

export const formats = ['idx', 'cifar', 'npy'] as const
export type Format = (typeof formats)[number]

/** Takes the bytes that are to be stored. */
export type Append = (bytes: Uint8Array) => Promise<void>
/** Takes note of how many bytes are going to be stored, as soon as that is known; rejects where there is no room. */
export type Reserve = (bytes: number) => Promise<void>

export type Images = {
  format: Format
  count: number
  /** Of one: height, width, channels; of numbers and tokens whatever they are. */
  shape: number[]
  /** Of tokens: where each is first. */
  first?: Map<number, number>
  /** Whether float64 was rounded to float32. */
  narrowed?: boolean
}
export type Labels = {
  format: Format
  count: number
  /** Where each label is first. */
  first: Map<number, number>
  /** Of targets that are numbers, or of labels of several places: how many an example has. */
  width?: number
  narrowed?: boolean
}

/** Counts and shapes are stored as 32-bit integers. */
const mostOfADimension = 2 ** 31 - 1

/**
 * The images of an IDX or .npy file: [n, height, width] or with channels, last or, as `layout` says, first; whole numbers
 * from 0 to 255 of any type, or booleans, which are stored as 0 and 255. `most`: bytes of them.
 */
export async function readImages(
  source: ByteSource,
  most: number,
  layout: Layout | undefined,
  to: { append: Append; reserve: Reserve; openScratch: OpenScratch },
): Promise<Images> {
  const { name } = source
  const header = await readHeader(source)
  const { shape, values } = header
  if (values === undefined) throw unreadable(header, name, 'images')
  const wrong = wrongImages(shape)
  if (wrong !== undefined) return refuse(source, header, most, wrong)
  checkSize(header, name, most, 'images')
  if (layout === undefined && isAmbiguous(shape)) throw ambiguous(shape, name)
  if (values.kind === 'float') {
    const found = `expected images of uint8 (values=numbers before the files keeps numbers as they are), found ${header.type}`
    return refuse(source, header, most, { found, images: 'images' })
  }
  if (layout === 'sequence') throw new DatasetError(`${name}: layout=sequence is for values=numbers`)
  const arrangement = arrangementOf(shape, header.fortran, layout ?? 'nhwc')
  const count = product(shape)
  const sink = arrange(arrangement, name, to.append, to.openScratch)
  await to.reserve(count)
  if (values === unsignedByte) {
    await copy(source, count, sink.append)
  } else {
    const scale = values.kind === 'boolean' ? 255 : 1
    const survey = await readValues(source, header, async (numbers, fits) => {
      if (fits) await sink.append(Uint8Array.from(numbers, number => number * scale))
    })
    if (values.kind === 'integer' && !mayBeStored(header, survey))
      throw new DatasetError(
        `${name}: expected images of uint8, 0 to 255, found ${header.type}: ${adviceOnImages('images', survey)}`,
      )
  }
  await sink.end()
  return { format: header.format, count: arrangement.count, shape: arrangement.shape }
}

/**
 * The labels of an IDX or .npy file: whole numbers from 0 to 255 of any type, [n], [n, 1] or [1, n]. `most`: bytes of
 * them. `test`: whether they are those of a test set, for what errors advise.
 */
export async function readLabels(
  source: ByteSource,
  most: number,
  test: boolean,
  to: { append: Append; reserve: Reserve },
): Promise<Labels> {
  const { name } = source
  const header = await readHeader(source)
  const { format, type, values, shape } = header
  const [count, row = 1] = shape
  const isColumn = shape.length === 2 && (count === 1 || row === 1)
  const labels = `${test ? 'test_labels' : 'labels'}${isColumn ? '.ravel()' : ''}`
  if (shape.length > 2)
    throw new DatasetError(
      `${name}: expected labels of shape (n), found (${shape.join(', ')}): are they the images, and ${test ? 'testImages and testLabels' : 'images and labels'} swapped?`,
    )
  if (shape.length === 0) throw new DatasetError(`${name}: expected labels of shape (n), found one number`)
  if (values === undefined) throw unreadable(header, name, labels, test)
  checkSize(header, name, most, 'labels')
  if (shape.length !== 1 && !isColumn) {
    const survey = await readValues(source, header, async () => {})
    const advice = looksOneHot(survey, count)
      ? `: they look one-hot: ${labels}.argmax(1)`
      : `, ${row} values for each example, which are not one-hot: one label each is wanted`
    throw new DatasetError(`${name}: expected labels of shape (n), found (${shape.join(', ')})${advice}`)
  }
  const total = product(shape)
  if (values.kind !== 'float') await to.reserve(total)
  const first = new Map<number, number>()
  let index = 0
  let misfit: string | undefined
  const survey = await readValues(source, header, async (numbers, fits) => {
    const bytes = fits && values.kind !== 'float' ? Uint8Array.from(numbers) : undefined
    if (!fits && misfit === undefined) {
      const at = numbers.findIndex(number => !(number >= 0 && number < mostClasses))
      misfit = `${numbers[at]} at ${index + at}`
    }
    bytes?.forEach((label, i) => {
      if (!first.has(label)) first.set(label, index + i)
    })
    index += numbers.length
    if (bytes) await to.append(bytes)
  })
  if (values.kind === 'float')
    throw new DatasetError(
      `${name}: expected labels that are integers (targets=numbers before the files for numbers to be predicted), found ${type}: ${adviceOnLabels(labels, survey, test)}`,
    )
  if (misfit !== undefined)
    throw new DatasetError(
      `${name}: expected labels from 0 to ${mostClasses - 1}, found ${misfit}: ${adviceOnLabels(labels, survey, test)}`,
    )
  return { format, count: total, first }
}

/** What is wrong with the shape of images, and the Python that makes it right; undefined: nothing. */
function wrongImages(shape: number[]): { found: string; images?: string; beside?: string } | undefined {
  if (shape.length === 3 || shape.length === 4) return undefined
  const found = `expected images of shape (n, height, width) or (n, height, width, channels), found (${shape.join(', ')})`
  if (shape.length < 2 || shape.slice(1).every(size => size === 1))
    return { found: `${found}: by their shape they are labels: are images and labels swapped?` }
  return { found, ...reshaped(shape) }
}

/** Whether the channels may as well be the first axis as the last: more than any picture has, last, and fewer before. */
export function isAmbiguous([, first, height, last]: number[]): boolean {
  return last !== undefined && last > 4 && (first <= 4 || (first < last && height === last))
}

const channels = (count: number) => (count === 1 ? '1 channel, which comes' : `${count} channels, which come`)

export function ambiguous([n, a, b, c]: number[], name: string): DatasetError {
  return new DatasetError(
    `${name}: is (${[n, a, b, c].join(', ')}) ${n} images of ${b} × ${c} with ${channels(a)} first (layout=nchw), or of ${a} × ${b} with ${channels(c)} last (layout=nhwc)? Send the right layout before the files`,
  )
}

/**
 * Refuses a file for its type or its shape, with what helps against both, which the values show: `images` is the Python for
 * them in the right shape, where that is known. Never resolves.
 */
async function refuse(
  source: ByteSource,
  header: Header,
  most: number,
  { found, images, beside = '' }: { found: string; images?: string; beside?: string },
): Promise<never> {
  const { values } = header
  const say = (advice: string | undefined) =>
    new DatasetError(`${source.name}: ${found}${advice === undefined ? '' : `: ${advice}${beside}`}`)
  if (images === undefined || !values || values === unsignedByte || values.kind === 'boolean')
    throw say(images)
  checkSize(header, source.name, most, 'images')
  const survey = await readValues(source, header, async () => {})
  throw say(mayBeStored(header, survey) ? images : adviceOnImages(images, survey))
}

/** Whether integers can be stored as they are: from 0 to 255, and not all 0 and 1, which may be what booleans became. */
const mayBeStored = ({ values }: Header, survey: Survey) =>
  values?.kind === 'integer' && isByte(survey) && survey.high > 1

/** Why values of a type that no number here has are refused, and what would help. */
function unreadable({ type }: Header, name: string, variable: string, test = false): DatasetError {
  const found = (wanted: string) => `${name}: expected ${wanted}, found ${type}`
  const [, letter] = /^[<>=|]?(.)/.exec(type) ?? []
  if (variable === 'images')
    return new DatasetError(
      `${found('images of uint8 (|u1), 0 to 255')}${
        letter === 'O'
          ? ', Python objects: np.stack(images) makes numbers of them where all are of one size'
          : letter === 'f'
            ? ': np.interp(images.astype("float64"), (float(images.min()), float(images.max())), (0, 255)).round().astype("uint8")'
            : ''
      }`,
    )
  if ('OUS'.includes(letter ?? ''))
    return new DatasetError(`${found('labels that are integers')}: ${numbered(variable, test)} numbers them`)
  return new DatasetError(found('labels that are integers'))
}

const isByte = ({ low, high, infinite, whole }: Survey) => infinite === 0 && whole && low >= 0 && high <= 255
const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)

/** Throws where a header announces nothing, or more than `most` bytes: as they lie there, or are stored, `stored` a value. */
export function checkSize(
  { shape, values }: Header,
  name: string,
  most: number,
  what: string,
  stored = 1,
): void {
  if (shape.some(size => size < 1))
    throw new DatasetError(`${name}: expected at least one example, found (${shape.join(', ')})`)
  if (shape.some(size => size > mostOfADimension))
    throw new DatasetError(
      `${name}: expected dimensions of at most ${mostOfADimension}, found (${shape.join(', ')})`,
    )
  const bytes = product(shape) * Math.max(values?.bytes ?? 1, stored)
  if (bytes > most)
    throw new TooLargeError(`${name}: has ${bytes} bytes of ${what}, and an upload may have ${most}`)
}

/**
 * Looks at every value that a header announces. `see` gets them some at a time, and whether all so far are whole numbers
 * from 0 to 255.
 */
async function readValues(
  source: ByteSource,
  { shape, values }: Header,
  see: (numbers: number[], fits: boolean) => Promise<void>,
): Promise<Survey> {
  const { bytes: width, read } = values!
  const { survey, add } = makeSurvey()
  let rest: Buffer = Buffer.alloc(0)
  await copy(source, product(shape) * width, async piece => {
    const bytes =
      rest.length === 0
        ? Buffer.from(piece.buffer, piece.byteOffset, piece.length)
        : Buffer.concat([rest, piece])
    const numbers: number[] = []
    const whole = bytes.length - (bytes.length % width)
    for (let at = 0; at < whole; at += width) {
      const number = read(bytes, at)
      add(number)
      numbers.push(number)
    }
    rest = bytes.subarray(whole)
    await see(numbers, isByte(survey))
  })
  return survey
}

/** Passes on exactly the next `count` bytes, after which the file must end. */
export async function copy(source: ByteSource, count: number, append: Append): Promise<void> {
  const start = source.offset()
  for (let left = count; left > 0; ) {
    const piece = await source.some(Math.min(left, 2 ** 20))
    if (piece.length === 0)
      throw new DatasetError(
        `${source.name}: expected ${count} bytes of values after a header of ${start}, found ${count - left}: the file is cut short at byte ${source.offset()}`,
      )
    left -= piece.length
    await append(piece)
  }
  if ((await source.peek(1)).length > 0)
    throw new DatasetError(
      `${source.name}: expected the end of the file after ${count} bytes of values, found more at byte ${source.offset()}`,
    )
}
