/** The form that a dataset comes in: its fields, and its files on their way into the object store. */
import { addAbortSignal } from 'node:stream'
import type { Multipart, MultipartFile, MultipartValue } from '@fastify/multipart'
import { DatasetError, TooLargeError } from '../../../data/errors.ts'
import { targetKinds, valueKinds } from '../../../data/uploads/about.ts'
import { layouts, type Scratch } from '../../../data/uploads/arrangement.ts'
import { type Arrived, type Checked, checkArrived, type Said } from '../../../data/uploads/check.ts'
import { type Append, formats, type Reserve, readImages, readLabels } from '../../../data/uploads/examples.ts'
import { filesOf, placeOf } from '../../../data/uploads/npz.ts'
import { readNumbers, readTargets, readTokens } from '../../../data/uploads/numbers.ts'
import { cifar100Labels, readCifar } from '../../../data/uploads/records.ts'
import { type ByteSource, openSource, type Room } from '../../../data/uploads/source.ts'
import { type StoredName, storedNames } from '../../../data/uploads/stored.ts'
import type { ObjectWriter } from '../../../objects/objects.ts'
import type { FieldError } from '../../../spec/errors.ts'
import { wordsOf } from '../../../spec/patterns.ts'
import type { StoredFile } from '../../../store/datasets.ts'
import { roomOf, until, wellFormed } from '../../form.ts'
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
  /** Room for the bytes of a file meanwhile, under a name of their own. */
  openScratch(name: StoredName): Promise<Scratch & { abort(): Promise<void> }>
  /** Throws where the name is taken. Called as soon as there is one. */
  claim(name: string): Promise<void>
}

export type Received = Checked & { name: string; files: StoredFile[] }

export type Form = Said & { name?: string }
type Split = 'train' | 'test'
/** A file on its way into the store. */
type Way = Pick<Reception, 'limit' | 'signal' | 'reserve' | 'openScratch'> & {
  form: Form
  arrived: Record<Split, Arrived>
  room: { sent: Room; contents: Room }
  appendTo: (name: StoredName) => Append
}

/** The fields that are files, and what is in them. */
const fileFields: Record<string, { split: Split; kind: 'images' | 'labels' | 'records' | 'arrays' }> = {
  images: { split: 'train', kind: 'images' },
  labels: { split: 'train', kind: 'labels' },
  testImages: { split: 'test', kind: 'images' },
  testLabels: { split: 'test', kind: 'labels' },
  train: { split: 'train', kind: 'records' },
  test: { split: 'test', kind: 'records' },
  npz: { split: 'train', kind: 'arrays' },
}
const textFields = [
  ...['name', 'format', 'classes', 'layout', 'cifar100'],
  ...['values', 'targets', 'vocabulary', 'classNames'],
]
/** Those that say how the files are to be read. */
const beforeFiles = ['layout', 'cifar100', 'values', 'targets']

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
  const scratches: { abort(): Promise<void> }[] = []
  const openScratch = async (name: StoredName) => {
    const scratch = await reception.openScratch(name)
    scratches.push(scratch)
    return scratch
  }
  const way: Way = { form, arrived, room, limit, signal, reserve, openScratch, appendTo }
  try {
    for await (const part of wellFormed(until(signal, parts), signal)) {
      const { fieldname: field } = part
      const times = seen.get(field) ?? 0
      seen.set(field, times + 1)
      if (part.type === 'field') {
        if (times > 0) throw wrongField(field, 'must be there once')
        if (beforeFiles.includes(field) && [...seen.keys()].some(name => Object.hasOwn(fileFields, name)))
          throw wrongField(field, 'must come before the files, which are read by it as they arrive')
        takeText(form, part)
        if (field === 'name') await claim(form.name!)
      } else await takeFile(part, times, way)
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
    for (const one of [...writers.values(), ...scratches]) await one.abort()
    throw error
  }
}

function takeText(form: Form, { fieldname: field, value, valueTruncated }: MultipartValue): void {
  const text = valueTruncated ? '' : String(value)
  if (field === 'name') {
    if (!new RegExp(datasetPattern).test(text)) throw wrongField(field, `must be ${wordsOf(datasetPattern)}`)
    form.name = text
  } else if (field === 'format') {
    form.format = formats.find(format => format === text)
    if (!form.format) throw wrongField(field, `must be one of ${formats.join(', ')}, or left out`)
  } else if (field === 'classes') {
    form.classes = Number(text)
    if (!/^\d{1,5}$/.test(text) || form.classes < 2 || form.classes > 65_536)
      throw wrongField(field, 'must be a whole number from 2 to 256 (of tokens 65536), or left out')
  } else if (field === 'layout') {
    form.layout = layouts.find(layout => layout === text)
    if (!form.layout)
      throw wrongField(
        field,
        'must be nhwc (channels last) or nchw (channels first), sequence ([n, length, features], with values=numbers), or left out',
      )
  } else if (field === 'cifar100') {
    form.cifar100 = cifar100Labels.find(labels => labels === text)
    if (!form.cifar100)
      throw wrongField(
        field,
        'must be fine (100 classes) or coarse (20), or left out: train is CIFAR-10 then',
      )
  } else if (field === 'values') {
    form.values = valueKinds.find(kind => kind === text)
    if (!form.values) throw wrongField(field, `must be one of ${valueKinds.join(', ')}, or left out: bytes`)
  } else if (field === 'targets') {
    form.targets = targetKinds.find(kind => kind === text)
    if (!form.targets)
      throw wrongField(field, `must be one of ${targetKinds.join(', ')}, or left out: classes`)
  } else if (field === 'vocabulary') {
    form.vocabulary = Number(text)
    if (!/^\d{1,5}$/.test(text) || form.vocabulary < 2 || form.vocabulary > 65_536)
      throw wrongField(
        field,
        'must be a whole number from 2 to 65536, or left out: the largest token and one',
      )
  } else if (field === 'classNames') {
    form.classNames = namesIn(text)
    if (!form.classNames)
      throw wrongField(
        field,
        'must be a JSON array of the names of the classes in their order: texts of 1 to 100 characters, none of them twice, such as ["cat","dog"]',
      )
  } else if (Object.hasOwn(fileFields, field))
    throw wrongField(field, `must be a file: curl -F ${field}=@path`)
  else throw unknown(field)
}

/** The names in a JSON array, where they are sound. */
function namesIn(text: string): string[] | undefined {
  let names: unknown
  try {
    names = JSON.parse(text)
  } catch {
    return undefined
  }
  const isName = (name: unknown) =>
    typeof name === 'string' && name.length > 0 && name.length <= 100 && !/\p{C}/u.test(name)
  if (!Array.isArray(names) || !names.every(isName) || new Set(names).size < names.length) return undefined
  return names
}

async function takeFile(part: MultipartFile, times: number, way: Way): Promise<void> {
  const { fieldname: field } = part
  const { limit, signal, arrived, room } = way
  if (textFields.includes(field)) throw wrongField(field, `must be text: curl -F ${field}=…`)
  if (!Object.hasOwn(fileFields, field)) throw unknown(field)
  const { split, kind } = fileFields[field]
  const own = arrived[split]
  const records = own.fields.images === split
  if (times > 0 && kind !== 'records') throw wrongField(field, 'must be there once')
  if ((own.images || own.labels) && records !== (kind === 'records'))
    throw wrongField(field, 'must not be beside the others: images and labels, or CIFAR files, or npz')
  const path = kind === 'records' ? `${field}[${times}]` : field
  // The name is the sender's: shown to them, and to nobody and nothing else.
  const name = (part.filename || field).slice(0, 100).replaceAll(/\p{C}/gu, '�')
  let source: ByteSource | undefined
  try {
    // What an archive holds is what counts as its contents.
    const rooms = kind === 'arrays' ? { ...room, contents: roomOf(limit) } : room
    source = await openSource(name, wellFormed(addAbortSignal(signal, part.file), signal), rooms)
    if (kind === 'records') await takeRecords(source, split, way)
    else if (kind === 'arrays') await takeArrays(source, field, way)
    else await takeOne(source, split, kind, way)
  } catch (error) {
    await source?.close().catch(() => {})
    part.file.destroy()
    if (!(error instanceof DatasetError)) throw error
    const kindOf = error instanceof TooLargeError ? 'body-too-large' : 'invalid-dataset'
    throw new ProblemError(kindOf, error.message, { errors: [{ path: `$.${path}`, message: error.message }] })
  }
}

/** The images or the labels of a split. */
async function takeOne(source: ByteSource, split: Split, kind: 'images' | 'labels', way: Way): Promise<void> {
  const { form, arrived, room, reserve } = way
  const own = arrived[split]
  const stored: StoredName = `${split}-${kind}`
  const append = way.appendTo(stored)
  const most = room.contents.total
  const to = { append, reserve }
  if (kind === 'labels' && form.targets === 'numbers') own.labels = await readTargets(source, most, to)
  else if (form.values === 'tokens') {
    const { format, shape, first } = await readTokens(source, most, kind === 'labels' ? kind : 'tokens', to)
    const [count, ...rest] = shape
    if (kind === 'images') own.images = { format, count, shape: rest, first }
    else own.labels = { format, count, first, ...(rest.length > 0 && { width: rest[0] }) }
  } else if (kind === 'labels') own.labels = await readLabels(source, most, split === 'test', to)
  else if (form.values === 'numbers') own.images = await readNumbers(source, most, form.layout, to)
  else {
    const openScratch = () => way.openScratch(stored)
    own.images = await readImages(source, most, form.layout, { append, reserve, openScratch })
  }
}

/** The next of a split's CIFAR files. */
async function takeRecords(source: ByteSource, split: Split, way: Way): Promise<void> {
  const { form, reserve, appendTo } = way
  const own = way.arrived[split]
  const before = own.images?.count ?? 0
  const to = { appendImages: appendTo(`${split}-images`), appendLabels: appendTo(`${split}-labels`), reserve }
  const { images, labels } = await readCifar(source, before, form.cifar100, to)
  own.fields = { images: split, labels: split }
  own.images = { ...images, count: before + images.count }
  own.labels = {
    ...labels,
    count: before + labels.count,
    first: new Map([...labels.first, ...(own.labels?.first ?? [])]),
  }
}

/** Everything that an archive of arrays holds. */
async function takeArrays(source: ByteSource, field: string, way: Way): Promise<void> {
  const names = new Map<string, string>()
  for await (const { file, contents } of filesOf(source, way.room.contents)) {
    const { split, kind } = placeOf(file, source.name)
    const own = way.arrived[split]
    const other = names.get(`${split}-${kind}`)
    if (own[kind])
      throw new DatasetError(
        other === undefined
          ? `${source.name}: holds ${file}, and ${own.fields[kind]} was sent as well: leave one of the two out`
          : `${source.name}: holds ${other} and ${file}, and a dataset has one file of ${kind} to ${split === 'train' ? 'train' : 'test'} on: leave one of the two out`,
      )
    names.set(`${split}-${kind}`, file)
    await takeOne(contents, split, kind, way)
    own.fields = { ...own.fields, [kind]: field }
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
