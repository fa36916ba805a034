/** The form that a trajectory comes in: what it is of, and its files on their way into the object store. */
import { addAbortSignal } from 'node:stream'
import type { Multipart, MultipartFile } from '@fastify/multipart'
import { DatasetError, TooLargeError } from '../../../data/errors.ts'
import type { About, Index } from '../../../data/trajectories/about.ts'
import { type Append, takePart, takeTensors, type Ways } from '../../../data/trajectories/parts.ts'
import { openSource, type Room } from '../../../data/uploads/source.ts'
import { indexName } from '../../../objects/names.ts'
import type { ObjectWriter } from '../../../objects/objects.ts'
import type { FieldError } from '../../../spec/errors.ts'
import { roomOf, until, wellFormed } from '../../form.ts'
import { ProblemError } from '../../problem.ts'
import type { Described } from './described.ts'

export type Reception = {
  parts: AsyncIterable<Multipart>
  /** Bytes of all files together, as they are sent and unzipped. */
  limit: number
  /** Ends the wait for more of the form, with its reason. */
  signal: AbortSignal
  /** Called with the bytes that are going to be stored, before they are. Rejects where there is no room. */
  reserve(bytes: number): Promise<void>
  /** Begins an object. */
  open(name: string): Promise<ObjectWriter>
  /** What the JSON says: throws where that is wrong. */
  describe(text: string): Promise<Described>
}

export type Received = {
  name: string | null
  about: About
  rows: number
  bytes: number
  index: { bytes: number; sha256: string }
}

/** Bytes of one file: the worker holds one at a time in memory. */
export const mostPartBytes = 2 ** 30

/** Receives a trajectory. Where that fails, for whatever reason, it throws and every object it began is given up. */
export async function receiveTrajectory(reception: Reception): Promise<Received> {
  const { parts, limit, signal, open } = reception
  const room = { sent: roomOf(limit), contents: roomOf(limit) }
  const index: Index = { parts: [] }
  let described: Described | undefined
  let rows = 0
  let writer: ObjectWriter | undefined
  const store = async (name: string, take: (append: Append) => Promise<void>) => {
    const own = await open(name)
    writer = own
    await take(bytes => own.append(bytes))
    const { bytes, sha256 } = await own.commit()
    return { name, bytes, sha256 }
  }
  try {
    for await (const part of wellFormed(until(signal, parts), signal)) {
      const { fieldname: field } = part
      if (part.type === 'field') {
        if (field !== 'trajectory')
          throw wrongField(field, isFile(field) ? `must be a file: curl -F ${field}=@path` : unknown)
        if (described) throw wrongField(field, 'must be there once')
        if (part.valueTruncated) throw wrongField(field, 'is too long')
        described = await reception.describe(String(part.value))
        continue
      }
      if (!isFile(field))
        throw wrongField(field, field === 'trajectory' ? "must be text: curl -F trajectory='{…}'" : unknown)
      if (!described)
        throw wrongField('trajectory', 'must come before the files, which are read by it as they arrive')
      const { wanted, layers } = described
      if (field === 'part') {
        const number = index.parts.length
        let found!: Awaited<ReturnType<typeof takePart>>
        const stored = await reading(part, `part[${number}]`, room, signal, (source, contents) =>
          store(`parts/${number}`, async append => {
            found = await takePart(source, contents, waysOf(append, reception.reserve, source.name), wanted)
          }),
        )
        index.parts.push({ ...stored, from: rows, ...found })
        rows += found.rows
      } else {
        if (index.probe) throw wrongField('probe', 'must be there once')
        let probe!: Pick<NonNullable<Index['probe']>, 'input' | 'outputs'>
        const stored = await reading(part, 'probe', room, signal, (source, contents) =>
          store('probe', async append => {
            const found = await takeTensors(
              source,
              contents,
              waysOf(append, reception.reserve, source.name),
              name =>
                name === 'input' || layers.includes(name)
                  ? 'take'
                  : { wrong: `is neither input nor a layer; layers: ${layers.slice(0, 20).join(', ')}` },
            )
            const input = found.get('input')
            if (!input) throw new DatasetError(`${source.name}: lacks input, what the network was given`)
            const outputs = layers.flatMap(layer => {
              const place = found.get(layer)
              return place ? [{ layer, place }] : []
            })
            if (outputs.length === 0) throw new DatasetError(`${source.name}: has the output of no layer`)
            probe = { input, outputs }
          }),
        )
        index.probe = { ...stored, ...probe }
      }
      writer = undefined
    }
    if (!described) throw wrongField('trajectory', 'is required: what the weights are of, as JSON')
    if (rows < 2)
      throw wrongField(
        'part',
        `must have two rows of weights at the least, before a step and after it; has ${rows}`,
      )
    const beyond = described.about.losses.findIndex(({ row }) => row >= rows)
    if (beyond >= 0)
      throw wrongField(
        `trajectory.losses[${beyond}].row`,
        `must be < ${rows}, the weights that were recorded`,
      )
    const text = Buffer.from(JSON.stringify(index))
    const { bytes, sha256 } = await store(indexName, append => append(text))
    const all = [...index.parts, ...(index.probe ? [index.probe] : []), { bytes }]
    return {
      name: described.name,
      about: { ...described.about, probe: index.probe !== undefined },
      rows,
      bytes: all.reduce((sum, one) => sum + one.bytes, 0),
      index: { bytes, sha256 },
    }
  } catch (error) {
    await writer?.abort()
    throw error
  }
}

const isFile = (field: string) => field === 'part' || field === 'probe'
const unknown = 'is not a field here; fields: trajectory, part, probe'

/** Refuses a file that the worker could not hold, before its bytes come. */
function waysOf(append: Append, reserve: Ways['reserve'], name: string): Ways {
  let bytes = 0
  return {
    append,
    reserve: async more => {
      bytes += more
      if (bytes > mostPartBytes)
        throw new DatasetError(
          `${name}: a file may have ${mostPartBytes} bytes of weights: send more of them`,
        )
      await reserve(more)
    },
  }
}

/** Reads a file of the form; what is wrong with it is said as an error of its field. */
async function reading<T>(
  part: MultipartFile,
  path: string,
  room: { sent: Room; contents: Room },
  signal: AbortSignal,
  take: (source: Awaited<ReturnType<typeof openSource>>, contents: Room) => Promise<T>,
): Promise<T> {
  // The name is the sender's: shown to them, and to nobody and nothing else.
  const name = (part.filename || path).slice(0, 100).replaceAll(/\p{C}/gu, '�')
  let source: Awaited<ReturnType<typeof openSource>> | undefined
  try {
    // What an archive holds is what counts as its contents.
    const rooms = { sent: room.sent, contents: { ...room.contents } }
    source = await openSource(name, wellFormed(addAbortSignal(signal, part.file), signal), rooms)
    return await take(source, room.contents)
  } catch (error) {
    await source?.close().catch(() => {})
    part.file.destroy()
    if (!(error instanceof DatasetError)) throw error
    const kind = error instanceof TooLargeError ? 'body-too-large' : 'invalid-trajectory'
    throw new ProblemError(kind, error.message, { errors: [{ path: `$.${path}`, message: error.message }] })
  }
}

export const invalidTrajectory = (errors: FieldError[]) =>
  new ProblemError(
    'invalid-trajectory',
    errors.length === 1 ? '1 field is wrong' : `${errors.length} fields are wrong`,
    { errors },
  )
const wrongField = (field: string, message: string) =>
  invalidTrajectory([{ path: `$.${field.slice(0, 100)}`, message }])
