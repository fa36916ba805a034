/** The form that a dataset comes in: its fields, and its files on their way into the object store. */
import { addAbortSignal } from 'node:stream'
import type { Multipart, MultipartFile, MultipartValue } from '@fastify/multipart'
import { DatasetError, TooLargeError } from '../../../data/errors.ts'
import { type Arrived, type Checked, checkArrived } from '../../../data/uploads/check.ts'
import {
  type Append,
  type Format,
  formats,
  type Reserve,
  readCifar,
  readImages,
  readLabels,
} from '../../../data/uploads/examples.ts'
import { type ByteSource, openSource, type Room } from '../../../data/uploads/source.ts'
import { type StoredName, storedNames } from '../../../data/uploads/stored.ts'
import type { ObjectWriter } from '../../../objects/objects.ts'
import type { FieldError } from '../../../spec/errors.ts'
import type { StoredFile } from '../../../store/datasets.ts'
import { ProblemError } from '../../problem.ts'
import { datasetPattern } from '../../schemas/catalogue.ts'

export type Reception = {
  parts: AsyncIterable<Multipart>
  /** Bytes of all files together, as they are sent and unzipped. */
  limit: number
  /** Ends the wait for more of the form, with its reason. */
  signal: AbortSignal
  /** Called with the bytes that are going to be stored, before they are. Rejects where there is no room. */
  reserve: Reserve
  /** Begins an object. */
  open(name: StoredName): Promise<ObjectWriter>
  /** Throws where the name is taken. Called as soon as there is one. */
  claim(name: string): Promise<void>
}

export type Received = Checked & { name: string; files: StoredFile[] }

type Form = { name?: string; format?: Format; classes?: number }
type Split = 'train' | 'test'
/** How the examples of a file get into the store. */
type Way = Pick<Reception, 'signal' | 'reserve'> & { appendTo: (name: StoredName) => Append }

/** The fields that are files, and what is in them. */
const fileFields: Record<string, { split: Split; kind: 'images' | 'labels' | 'records' }> = {
  images: { split: 'train', kind: 'images' },
  labels: { split: 'train', kind: 'labels' },
  testImages: { split: 'test', kind: 'images' },
  testLabels: { split: 'test', kind: 'labels' },
  train: { split: 'train', kind: 'records' },
  test: { split: 'test', kind: 'records' },
}
const textFields = ['name', 'format', 'classes']

/** Receives a dataset. Where that fails, for whatever reason, it throws and every object it began is given up. */
export async function receive(reception: Reception): Promise<Received> {
  const { parts, limit, signal, reserve, open, claim } = reception
  const writers = new Map<StoredName, ObjectWriter>()
  const form: Form = {}
  const seen = new Map<string, number>()
  const arrived: Record<Split, Arrived> = {
    train: { fields: { images: 'images', labels: 'labels' } },
    test: { fields: { images: 'testImages', labels: 'testLabels' } },
  }
  const room = { sent: roomOf(limit), contents: roomOf(limit) }
  const appendTo = (name: StoredName) => async (bytes: Uint8Array) => {
    const writer = writers.get(name) ?? (await open(name))
    writers.set(name, writer)
    await writer.append(bytes)
  }
  try {
    for await (const part of wellFormed(until(signal, parts), signal)) {
      const { fieldname: field } = part
      const times = seen.get(field) ?? 0
      seen.set(field, times + 1)
      if (part.type === 'field') {
        if (times > 0) throw wrongField(field, 'must be there once')
        takeText(form, part)
        if (field === 'name') await claim(form.name!)
      } else await takeFile(part, times, arrived, room, { signal, reserve, appendTo })
    }
    const { name } = form
    const checked = checkArrived(arrived.train, arrived.test, form)
    const nameless = { path: '$.name', message: 'is required: what specs shall call the dataset' }
    if ('errors' in checked) throw invalid([...(name === undefined ? [nameless] : []), ...checked.errors])
    if (name === undefined) throw invalid([nameless])
    const files: StoredFile[] = []
    for (const stored of storedNames) {
      const committed = await writers.get(stored)?.commit()
      if (committed) files.push({ name: stored, bytes: committed.bytes, sha256: committed.sha256 })
    }
    return { ...checked, name, files }
  } catch (error) {
    for (const writer of writers.values()) await writer.abort()
    throw error
  }
}

function takeText(form: Form, { fieldname: field, value, valueTruncated }: MultipartValue): void {
  const text = valueTruncated ? '' : String(value)
  if (field === 'name') {
    if (!new RegExp(datasetPattern).test(text))
      throw wrongField(
        field,
        'must be 1 to 64 letters, digits, dots, dashes and underscores, the first of them a letter or a digit',
      )
    form.name = text
  } else if (field === 'format') {
    form.format = formats.find(format => format === text)
    if (!form.format) throw wrongField(field, `must be one of ${formats.join(', ')}, or left out`)
  } else if (field === 'classes') {
    form.classes = Number(text)
    if (!/^\d{1,3}$/.test(text) || form.classes < 2 || form.classes > 256)
      throw wrongField(field, 'must be a whole number from 2 to 256, or left out')
  } else if (Object.hasOwn(fileFields, field))
    throw wrongField(field, `must be a file: curl -F ${field}=@path`)
  else throw unknown(field)
}

async function takeFile(
  part: MultipartFile,
  times: number,
  arrived: Record<Split, Arrived>,
  room: { sent: Room; contents: Room },
  { signal, reserve, appendTo }: Way,
): Promise<void> {
  const { fieldname: field } = part
  if (textFields.includes(field)) throw wrongField(field, `must be text: curl -F ${field}=…`)
  if (!Object.hasOwn(fileFields, field)) throw unknown(field)
  const { split, kind } = fileFields[field]
  const own = arrived[split]
  const records = own.fields.images === split
  if (times > 0 && kind !== 'records') throw wrongField(field, 'must be there once')
  if ((own.images || own.labels) && records !== (kind === 'records'))
    throw wrongField(field, 'must not be beside the others: images and labels, or CIFAR files')
  const path = kind === 'records' ? `${field}[${times}]` : field
  // The name is the sender's: shown to them, and to nobody and nothing else.
  const name = (part.filename || field).slice(0, 100).replaceAll(/\p{C}/gu, '�')
  let source: ByteSource | undefined
  try {
    source = await openSource(name, wellFormed(addAbortSignal(signal, part.file), signal), room)
    const most = room.contents.total
    const append = appendTo(`${split}-${kind === 'labels' ? kind : 'images'}`)
    if (kind === 'images') own.images = await readImages(source, most, append, reserve)
    else if (kind === 'labels') own.labels = await readLabels(source, most, append, reserve)
    else {
      const before = own.images?.count ?? 0
      const to = [append, appendTo(`${split}-labels`)] as const
      const { images, labels } = await readCifar(source, before, ...to, reserve)
      const first = new Map([...labels.first, ...(own.labels?.first ?? [])])
      own.fields = { images: split, labels: split }
      own.images = { ...images, count: before + images.count }
      own.labels = { ...labels, count: before + labels.count, first }
    }
  } catch (error) {
    await source?.close().catch(() => {})
    part.file.destroy()
    if (!(error instanceof DatasetError)) throw error
    const kindOf = error instanceof TooLargeError ? 'body-too-large' : 'invalid-dataset'
    throw new ProblemError(kindOf, error.message, { errors: [{ path: `$.${path}`, message: error.message }] })
  }
}

const roomOf = (total: number): Room => ({ left: total, total })

/** The same items, until the signal aborts. Not for many: a promise holds on to every race that it is in. */
async function* until<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  const iterator = items[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await Promise.race([iterator.next(), aborted])
    if (done) return
    yield value
  }
}

/** The same items; what is wrong with the form itself, or with the connection, is said as what it is. */
async function* wellFormed<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    signal.throwIfAborted()
    throw new ProblemError('malformed-request', `the form cannot be read: ${(error as Error).message}`)
  }
}

const invalid = (errors: FieldError[]) =>
  new ProblemError(
    'invalid-dataset',
    errors.length === 1 ? '1 field is wrong' : `${errors.length} fields are wrong`,
    { errors },
  )
const wrongField = (field: string, message: string) =>
  invalid([{ path: `$.${field.slice(0, 100)}`, message }])
const unknown = (field: string) =>
  wrongField(field, `is not a field here; fields: ${[...textFields, ...Object.keys(fileFields)].join(', ')}`)
