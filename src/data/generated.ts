/**
 * Datasets drawn from their options: small tasks whose answer is known. Pure functions of `dataset`; spec/datasets.ts says
 * what shape they have.
 */
import { setImmediate } from 'node:timers/promises'
import { type RandomStream, randomStream } from '../nn/random.ts'
import { type DatasetOptions, generatedFacts } from '../spec/datasets.ts'
import type { ResolvedSpec, SplitName } from '../spec/schema.ts'
import type { Examples, LoadOptions, Splits } from './examples.ts'

type Dataset = ResolvedSpec['dataset']
type Generate = (dataset: Dataset, options: LoadOptions) => Promise<Splits>

/** Writes example `index`: its input, and its labels. `stream`: of its own where examples have no end. */
type Draw = (index: number, input: Input, labels: Uint16Array, stream: RandomStream) => void
type Input = Uint16Array | Float32Array

/** Where there are `total` different examples: a random order of them by the seed, of which each split has its part. */
const shuffled =
  (totalOf: (options: DatasetOptions) => number, drawOf: (dataset: Dataset) => Draw): Generate =>
  async (dataset, { signal }) => {
    const { name, seed, trainExamples, validationExamples } = dataset
    const count = trainExamples + validationExamples
    const order = someOf(totalOf(dataset), count, randomStream(name, seed))
    const draw = drawOf(dataset)
    const stream = randomStream(name, seed, 'unused')
    const fill = (from: number, examples: number) =>
      filled(dataset, examples, signal, (i, input, labels) => draw(order[from + i], input, labels, stream))
    return { train: await fill(0, trainExamples), validation: await fill(trainExamples, validationExamples) }
  }

/** Where they have no end: each from a stream of its own, by seed, split and index; asking for more keeps the first ones. */
const endless =
  (drawOf: (dataset: Dataset) => Draw): Generate =>
  async (dataset, { signal }) => {
    const draw = drawOf(dataset)
    const fill = (split: SplitName, examples: number) =>
      filled(dataset, examples, signal, (i, input, labels) =>
        draw(i, input, labels, randomStream(dataset.name, dataset.seed, split, i)),
      )
    return {
      train: await fill('train', dataset.trainExamples),
      validation: await fill('validation', dataset.validationExamples),
    }
  }

/** By the names of spec/datasets.ts. */
export const generators: Record<string, Generate> = {
  'modular-arithmetic': shuffled(
    ({ p, operation }) => p! * (operation === 'divide' ? p! - 1 : p!),
    ({ p: modulus, operation }) => {
      const p = modulus!
      const inverse = inversesOf(p)
      return (index, input, labels) => {
        const a = index % p
        const b = Math.floor(index / p) + (operation === 'divide' ? 1 : 0)
        input.set([a, b, p])
        const results = { add: a + b, subtract: a - b + p, multiply: a * b, divide: a * inverse[b] }
        labels[0] = results[operation!] % p
      }
    },
  ),

  addition: shuffled(
    ({ digits }) => 100 ** digits!,
    ({ digits, reversed }) => {
      const n = digits!
      const digitsOf = (value: number, length: number) =>
        Array.from({ length }, (_, i) => Math.floor(value / 10 ** (length - 1 - i)) % 10)
      return (index, input, labels) => {
        const [a, b] = [Math.floor(index / 10 ** n), index % 10 ** n]
        const sum = digitsOf(a + b, n + 1)
        if (reversed) sum.reverse()
        input.set([...digitsOf(a, n), 10, ...digitsOf(b, n), 11, ...sum.slice(0, -1)])
        labels.set(sum)
      }
    },
  ),

  'copy-and-induction': endless(({ task, vocabulary, length }) => {
    const [v, l] = [vocabulary!, length!]
    if (task === 'copy')
      return (_, input, labels, stream) => {
        const segment = Array.from({ length: l }, () => stream.integer(v))
        input.set([...segment, v, ...segment.slice(0, -1)])
        labels.set(segment)
      }
    return (_, input, labels, stream) => {
      // Half of the longest at least, so that no place with a label lies in the first round.
      const period = Math.ceil(l / 2) + stream.integer(l - Math.ceil(l / 2) + 1)
      const segment = someOf(v, period, stream)
      const sequence = Array.from({ length: 2 * l }, (_, i) => segment[i % period])
      input.set(sequence.slice(0, -1))
      labels.set(sequence.slice(l + 1))
    }
  }),

  parity: shuffled(
    ({ bits }) => 2 ** bits!,
    ({ bits, relevant, tokens, seed }) => {
      const counting = someOf(bits!, relevant ?? bits!, randomStream('parity', seed, 'relevant'))
      return (index, input, labels) => {
        const bit = (i: number) => Math.floor(index / 2 ** i) % 2
        for (let i = 0; i < bits!; i++) input[i] = tokens ? bit(i) : 2 * bit(i) - 1
        labels[0] = counting.reduce((sum, i) => sum + bit(i), 0) % 2
      }
    },
  ),

  spirals: endless(({ classes, turns, noise }) => (_, input, labels, stream) => {
    const label = stream.integer(classes!)
    const radius = stream.uniform()
    const angle = 2 * Math.PI * (label / classes! + turns! * radius)
    input[0] = radius * Math.cos(angle) + noise! * stream.normal()
    input[1] = radius * Math.sin(angle) + noise! * stream.normal()
    labels[0] = label
  }),
}

/** Draws a split, with pauses for the event loop; `signal` ends it with its reason. */
async function filled(
  dataset: Dataset,
  count: number,
  signal: AbortSignal | undefined,
  draw: (index: number, input: Input, labels: Uint16Array) => void,
): Promise<Examples> {
  const { shape, classes, vocabulary, targets } = generatedFacts(dataset.name, dataset)
  const [size, labelled] = [shape.reduce((a, b) => a * b, 1), targets ?? 1]
  const images = vocabulary === undefined ? new Float32Array(count * size) : new Uint16Array(count * size)
  const labels = new Uint16Array(count * labelled)
  for (let i = 0; i < count; i++) {
    if (i % 2000 === 0) {
      await setImmediate()
      signal?.throwIfAborted()
    }
    draw(i, images.subarray(i * size, (i + 1) * size), labels.subarray(i * labelled, (i + 1) * labelled))
  }
  return {
    ...{ count, shape, classes, images, labels },
    ...(vocabulary !== undefined && { vocabulary }),
    ...(targets !== undefined && { targets }),
  }
}

/**
 * The first `count` of 0 … total − 1 in a uniformly random order, total up to 2^53: Fisher and Yates' shuffle from the front,
 * which remembers only what it has moved.
 */
function someOf(total: number, count: number, stream: RandomStream): number[] {
  const moved = new Map<number, number>()
  return Array.from({ length: count }, (_, i) => {
    // uniform() has 53 bits: beyond 2^32, where integer() ends, no value is off by more than 2^-13 of its chance.
    const j =
      total <= 2 ** 32 ? i + stream.integer(total - i) : i + Math.floor(stream.uniform() * (total - i))
    const drawn = moved.get(j) ?? j
    moved.set(j, moved.get(i) ?? i)
    return drawn
  })
}

/** b with a·b = 1 modulo a prime p, by a; 0 has none. */
function inversesOf(p: number): number[] {
  const inverse = [0, 1]
  // p = ⌊p/a⌋·a + p mod a, so a⁻¹ = −⌊p/a⌋·(p mod a)⁻¹.
  for (let a = 2; a < p; a++) inverse[a] = ((p - Math.floor(p / a)) * inverse[p % a]) % p
  return inverse
}
