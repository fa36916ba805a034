/** Storage that forgets. */
import type { Objects } from '../../src/objects/objects.ts'

/** Turns one bit of an object over, in its middle if no byte is named; its length stays. */
export async function flipBit(objects: Objects, key: string, at?: number): Promise<void> {
  const bytes = Buffer.from(await objects.read(key))
  bytes[at ?? bytes.length >> 1] ^= 1
  const writer = await objects.write(key, 'application/octet-stream')
  await writer.append(bytes)
  await writer.commit()
}
