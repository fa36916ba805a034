/** The gradients that are measured: networks, the shape of their data, and random examples of it. */
import type { Examples } from '../src/data/examples.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import type { ResolvedArchitecture } from '../src/spec/schema.ts'

export type Work = {
  title: string
  architecture: ResolvedArchitecture
  shape: number[]
  /** Of tokens, integers below it, in as many classes. */
  vocabulary?: number
  /** Enough for a pass of a second or so on two cores, by engine. */
  examples: { native: number; wasm: number }
  /** What torch_gradient.py calls it, where it has it. */
  peer?: string
  /** The script that has it in the place of torch_gradient.py, with the same arguments. */
  peerScript?: string
}

const mnist = [28, 28, 1]
const cifar = [32, 32, 3]

export const works: Record<string, Work> = {
  fc: {
    title: 'MNIST-FC',
    architecture: { name: 'fc', hidden: [100, 50] },
    shape: mnist,
    examples: { native: 55_000, wasm: 20_000 },
    peer: 'fc',
  },
  lenet: {
    title: 'LeNet, MNIST',
    architecture: { name: 'lenet', channels: [20, 40], units: 400, dropout: [0.25, 0.5] },
    shape: mnist,
    examples: { native: 5_000, wasm: 500 },
    peer: 'lenet',
  },
  resnet20: {
    title: 'ResNet-20, CIFAR',
    architecture: { name: 'resnet', depth: 20, width: 16, widthFactors: [1, 1, 1] },
    shape: cifar,
    examples: { native: 1_000, wasm: 50 },
    peer: 'resnet20',
  },
  'all-cnn': {
    title: 'All-CNN, CIFAR',
    architecture: { name: 'all-cnn', widthFactor: 1, dropout: 0.5 },
    shape: cifar,
    examples: { native: 250, wasm: 10 },
  },
  vgg: {
    title: 'VGG, CIFAR',
    architecture: { name: 'vgg', widthFactor: 1, dropout: 0.5 },
    shape: cifar,
    examples: { native: 1_000, wasm: 50 },
  },
  transformer: {
    title: 'transformer, modular arithmetic',
    architecture: {
      ...{ name: 'transformer', depth: 2, width: 128, heads: 4, mlpRatio: 4, norm: 'pre', causal: true },
      ...{ normalization: 'layer', activation: 'gelu', bias: true, dropout: 0, positions: 'learned' },
      ...{ pool: 'last', tied: false },
    },
    shape: [3],
    vocabulary: 98,
    examples: { native: 4_000, wasm: 200 },
    peer: 'transformer',
    peerScript: 'bench/torch_transformer.py',
  },
  custom: {
    title: 'custom, CIFAR',
    architecture: {
      name: 'custom',
      layers: [
        { kind: 'conv2d', filters: 32, size: 3, stride: 2, padding: 'same', bias: true },
        { kind: 'gelu' },
        {
          kind: 'residual',
          layers: [
            { kind: 'depthwise_conv2d', size: 3, stride: 1, padding: 'same', bias: false },
            { kind: 'batch_norm' },
          ],
          shortcut: [],
        },
        { kind: 'global_average_pool' },
        { kind: 'dense', units: 10 },
      ],
    },
    shape: cifar,
    examples: { native: 2_000, wasm: 200 },
  },
}

/** Random bytes as images, or tokens: as much work as any others. */
export function randomExamples(
  count: number,
  { shape, vocabulary }: Pick<Work, 'shape' | 'vocabulary'>,
): Examples {
  const bytes = randomStream('images')
  const size = shape.reduce((a, b) => a * b, 1)
  const classes = vocabulary ?? 10
  return {
    ...{ count, shape, classes, ...(vocabulary !== undefined && { vocabulary }) },
    images: Uint8Array.from({ length: count * size }, () =>
      vocabulary === undefined ? bytes.uint32() & 255 : bytes.integer(vocabulary),
    ),
    labels: Uint8Array.from({ length: count }, () => bytes.integer(classes)),
  }
}

/** The network of a work, over data as randomExamples draws them. */
export const networkOfWork = ({
  architecture,
  ...work
}: Pick<Work, 'architecture' | 'shape' | 'vocabulary'>) => buildNetwork(architecture, randomExamples(1, work))

/** Weights of iteration t on a straight path of small steps from theta, as training makes them. */
export function straightPath(theta: Float32Array): (t: number) => Promise<Float32Array> {
  const stream = randomStream('bench')
  const direction = Float32Array.from(theta, () => 1e-3 * stream.normal())
  return async t => theta.map((w, i) => w + t * direction[i])
}
