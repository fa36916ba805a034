/** Bytes of an upload that are stored in another order than they come in: an object of the dataset until they are. */
import type { Scratch } from '../../../data/uploads/arrangement.ts'
import type { Objects } from '../../../objects/objects.ts'

/** Begins the object. What is left of it where the upload fails goes with the dataset's prefix, or is swept. */
export async function openScratch(
  objects: Objects,
  key: string,
): Promise<Scratch & { abort(): Promise<void> }> {
  const writer = await objects.write(key, 'application/octet-stream')
  return {
    append: bytes => writer.append(bytes),
    close: async () => void (await writer.commit()),
    read: (start, end) => objects.read(key, { start, end }),
    remove: () => objects.remove(key),
    abort: () => writer.abort(),
  }
}
