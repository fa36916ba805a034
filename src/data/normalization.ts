/** What is done with the values of examples before a network sees them, as `dataset.normalization` says it. */
import type { ResolvedNormalization } from '../spec/schema.ts'
import type { Examples, Moments, Splits } from './examples.ts'

/**
 * The splits with what their channels are to be shifted and divided by; as they are where nothing is to be done beside
 * dividing bytes by 255, which is always done first. Tokens have no normalization.
 */
export function normalized(splits: Splits, normalization: ResolvedNormalization | undefined): Splits {
  const moments = normalization && momentsFor(splits.train, normalization)
  if (moments === undefined) return splits
  const own = (examples: Examples): Examples => ({ ...examples, normalization: moments })
  return { train: own(splits.train), validation: own(splits.validation) }
}

function momentsFor(train: Examples, normalization: ResolvedNormalization): Moments | undefined {
  if (normalization.name === 'per-channel') {
    const { mean, deviation } = normalization
    return mean && deviation ? { mean, deviation } : channelMoments(train)
  }
  if (normalization.name === 'unit' || !(train.images instanceof Uint8Array)) return undefined
  const channels = train.shape[train.shape.length - 1]
  return { mean: new Array(channels).fill(0), deviation: new Array(channels).fill(1 / 255) }
}

/**
 * Mean and deviation of each channel over examples, bytes divided by 255: μ = Σx/n, σ = √(Σ(x − μ)²/n), in float64 and in two
 * passes; σ = 1 where a channel does not vary, which is then 0 throughout.
 */
export function channelMoments({ images, shape }: Pick<Examples, 'images' | 'shape'>): Moments {
  const channels = shape[shape.length - 1]
  const unit = images instanceof Uint8Array ? 255 : 1
  const values = images.length / channels
  const perChannel = (of: (value: number, channel: number) => number) => {
    const sums = new Float64Array(channels)
    for (let i = 0; i < images.length; )
      for (let c = 0; c < channels; c++, i++) sums[c] += of(images[i] / unit, c)
    return Array.from(sums, sum => sum / values)
  }
  const mean = perChannel(value => value)
  const squares = perChannel((value, c) => (value - mean[c]) ** 2)
  // Of equal values the mean is rounded, and what is left of them is not 0.
  return {
    mean,
    deviation: squares.map((square, c) => (square > 1e-24 * mean[c] ** 2 ? Math.sqrt(square) : 1)),
  }
}
