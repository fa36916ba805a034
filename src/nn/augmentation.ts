/**
 * Augmentation of a batch that is trained on, on the host: a pure function of (seed, iteration, place in the batch), so every
 * engine and every attempt sees the same images. The loss that is allocated has none.
 */
import type { ResolvedAugmentation } from '../spec/schema.ts'
import { randomStream } from './random.ts'

/** Changes images of one batch in place: [n, h, w, c] with the shape of one. */
export type Augment = (images: Float32Array, shape: number[]) => void

/**
 * Each image is shifted by a whole number of pixels from −crop to crop in both directions, what comes in being 0 (a crop of the
 * image with `crop` zeros around it), and, with `flip`, mirrored left to right with probability 1/2 (He et al. 2015, §4.2).
 */
export function augmentation({ flip, crop }: ResolvedAugmentation, seed: number, iteration: number): Augment {
  return (images, [h, w, c]) => {
    const size = h * w * c
    const stream = randomStream(seed, 'augmentation', iteration)
    const source = new Float32Array(size)
    for (let at = 0; at < images.length; at += size) {
      const mirrored = flip && stream.integer(2) === 1
      const down = stream.integer(2 * crop + 1) - crop
      const right = stream.integer(2 * crop + 1) - crop
      source.set(images.subarray(at, at + size))
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) {
          const [fromY, fromX] = [y + down, (mirrored ? w - 1 - x : x) + right]
          const inside = fromY >= 0 && fromY < h && fromX >= 0 && fromX < w
          const to = at + (y * w + x) * c
          const from = (fromY * w + fromX) * c
          for (let j = 0; j < c; j++) images[to + j] = inside ? source[from + j] : 0
        }
    }
  }
}
