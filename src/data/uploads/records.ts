/** The records of CIFAR's binary files, as they arrive. */
import {
  type CifarRecords,
  cifar10Records,
  cifar100Records,
  shape as cifarShape,
  parseCifar,
  recordBytes,
} from '../cifar.ts'
import { DatasetError } from '../errors.ts'
import type { Append, Images, Labels, Reserve } from './examples.ts'
import { foreignFormat, mostOfABeginning } from './foreign.ts'
import { beginsWithHeader } from './header.ts'
import type { ByteSource } from './source.ts'

/** Which of CIFAR-100's labels are meant; undefined: the files are CIFAR-10's. */
export const cifar100Labels = ['fine', 'coarse'] as const
export type Cifar100Labels = (typeof cifar100Labels)[number]

export const recordsOf = (cifar100: Cifar100Labels | undefined): CifarRecords =>
  cifar100 === undefined ? cifar10Records : cifar100Records[cifar100]

/** Records taken at a time. */
const atOnce = 256

/** The records of a file. `before`: how many records came from the files before it. */
export async function readCifar(
  source: ByteSource,
  before: number,
  cifar100: Cifar100Labels | undefined,
  to: { appendImages: Append; appendLabels: Append; reserve: Reserve },
): Promise<{ images: Images; labels: Labels }> {
  const { name } = source
  const records = recordsOf(cifar100)
  const record = recordBytes(records)
  const start = Buffer.from(await source.peek(mostOfABeginning))
  if (start.length === 0)
    throw new DatasetError(`${name}: expected records of ${record} bytes, found no bytes`)
  // The first byte of a record is a label: where it may be one, the rest is looked at first.
  if (start[0] >= cifar100Records.coarse.classes) refuseForeign(start, name)
  const first = new Map<number, number>()
  let count = 0
  for (;;) {
    const at = source.offset()
    const bytes = await source.take(atOnce * record)
    if (bytes.length === 0) break
    const over = bytes.length % record
    let parsed: ReturnType<typeof parseCifar>
    try {
      if (over > 0)
        throw new DatasetError(
          `${name}: expected records of ${record} bytes (${records.labelBytes === 1 ? 'a label' : 'two labels'}, then 3 × 32 × 32 values), found ${over} bytes after record ${count + (bytes.length - over) / record}, at byte ${at + bytes.length - over}: the file is cut short or is not ${records.name}’s`,
        )
      parsed = parseCifar(bytes, name, count, records)
    } catch (error) {
      refuseForeign(start, name)
      await refuseOther(source, start, cifar100)
      throw error
    }
    const { images, labels } = parsed
    labels.forEach((label, i) => {
      if (!first.has(label)) first.set(label, before + count + i)
    })
    count += labels.length
    await to.reserve(images.length + labels.length)
    await to.appendImages(images)
    await to.appendLabels(labels)
  }
  return {
    images: { format: 'cifar', count, shape: cifarShape },
    labels: { format: 'cifar', count, first },
  }
}

/** Throws where the file begins as one of another format. */
function refuseForeign(start: Buffer, name: string): void {
  if (beginsWithHeader(start))
    throw new DatasetError(
      `${name}: is an IDX or .npy file, and train and test are for CIFAR’s binary files: send it as images or labels`,
    )
  const foreign = foreignFormat(start, name)
  if (foreign !== undefined) throw new DatasetError(`${name}: is ${foreign}`)
}

/** Throws where the file is as long, and begins, as one of the other CIFAR. What is left of it is read for that. */
async function refuseOther(
  source: ByteSource,
  start: Buffer,
  cifar100: Cifar100Labels | undefined,
): Promise<void> {
  const other = recordsOf(cifar100 === undefined ? 'fine' : undefined)
  const record = recordBytes(other)
  for (let at = 0; at < start.length; at += record) {
    const labels = cifar100 === undefined ? Object.values(cifar100Records) : [cifar10Records]
    if (labels.some(({ labelAt, classes }) => start[at + labelAt] >= classes)) return
  }
  while ((await source.some(2 ** 16)).length > 0);
  if (source.offset() % record !== 0) return
  throw new DatasetError(
    cifar100 === undefined
      ? `${source.name}: is CIFAR-100’s, with two labels a record: send cifar100=fine (100 classes) or cifar100=coarse (20) before the files`
      : `${source.name}: is CIFAR-10’s, with one label a record: leave cifar100 out`,
  )
}
