/** The arrays of a .npz, a zip archive of .npy files, as they arrive. */
import { Unzip, UnzipInflate } from 'fflate'
import { DatasetError } from '../errors.ts'
import { type ByteSource, makeSource, type Room, within } from './source.ts'

/** Which file of a dataset an array is. */
export type ArrayPlace = { split: 'train' | 'test'; kind: 'images' | 'labels' }

/** Bytes that are unzipped at once: deflate makes at most 1,032 times as many of them, which the limits then count. */
const atOnce = 4096

type Event = { begins: string } | { bytes: Uint8Array } | { ends: true }

/**
 * The files in a zip archive in their order, each to be read to its end before the next is asked for: no more of them,
 * unzipped, than there is room. Throws DatasetError where it is none or is damaged.
 */
export async function* filesOf(
  source: ByteSource,
  room: Room,
): AsyncGenerator<{ file: string; contents: ByteSource }> {
  const events: Event[] = []
  const damaged = (error: unknown) =>
    new DatasetError(
      `${source.name}: expected a whole .npz, as np.savez writes it, found one that is damaged, cut short or of another kind before byte ${source.offset()} (${(error as Error).message})`,
    )
  const unzip = new Unzip(file => {
    events.push({ begins: file.name })
    file.ondata = (error, bytes, final) => {
      if (error) throw error
      if (bytes.length > 0) events.push({ bytes })
      if (final) events.push({ ends: true })
    }
    file.start()
  })
  unzip.register(UnzipInflate)
  let over = false
  const next = async (): Promise<Event | undefined> => {
    while (events.length === 0 && !over) {
      const piece = await source.some(atOnce)
      over = piece.length === 0
      try {
        unzip.push(piece, over)
      } catch (error) {
        throw damaged(error)
      }
    }
    return events.shift()
  }

  const start = await source.peek(4)
  if (start.toString('hex') !== '504b0304')
    throw new DatasetError(
      `${source.name}: expected a .npz, an archive of arrays as np.savez writes it, found ${start.length === 0 ? 'no bytes' : `${start.toString('hex')} at byte 0`}`,
    )
  for (let event = await next(); event !== undefined; event = await next()) {
    if (!('begins' in event)) throw damaged(new Error('bytes of no file'))
    const file = event.begins.slice(0, 100).replaceAll(/\p{C}/gu, '�')
    const name = `${source.name}/${file}`
    async function* contents() {
      for (;;) {
        const event = await next()
        if (event === undefined) throw damaged(new Error('a file without an end'))
        if ('ends' in event) return
        if ('bytes' in event) yield event.bytes
      }
    }
    yield { file, contents: makeSource(name, within(contents(), name, room)) }
  }
}

const expected = 'np.savez("data.npz", images=…, labels=…), and test_images and test_labels if there are any'

/** What an array is, by its name: x_train, train_images, testLabels, arr_0 … Throws DatasetError where that does not say. */
export function placeOf(file: string, archive: string): ArrayPlace {
  const name = file.replace(/\.npy$/, '')
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  const has = (...some: string[]) => some.some(word => words.includes(word))
  const number = words[0] === 'arr' ? Number(words[1]) : Number.NaN
  const images = has('x', 'image', 'images', 'img', 'imgs', 'data') || number === 0 || number === 2
  const labels = has('y', 'label', 'labels', 'target', 'targets') || number === 1 || number === 3
  if (!file.endsWith('.npy') || images === labels)
    throw new DatasetError(
      `${archive}: expected arrays whose names say which they are (x and y, x_train, test_labels …), found ${JSON.stringify(file)}: ${expected}`,
    )
  const test = has('test', 'val', 'valid', 'validation') || number >= 2
  return { split: test ? 'test' : 'train', kind: images ? 'images' : 'labels' }
}
