/** What a spec becomes once every default is filled in (spec/resolve.ts), and what its `layers` mean for each layer. */
import type { DatasetOptions } from './datasets.ts'
import type { keepNames, LayerRule, MethodName, notifiedStatuses, SplitName } from './schema.ts'

/** What one layer does, after `layers` has been applied: its optimizer in full, and when it is frozen. */
export type ResolvedLayer = {
  layer: string
  parameters: number
  optimizer: ResolvedOptimizer
  /** null: trains throughout. `until` null: never trains again. */
  freeze: { from: number; until: number | null } | null
  /** Of its kernels: l2·Σw² is part of the loss that is trained on. */
  l2: number
}

export type ResolvedSchedule =
  | { name: 'constant' }
  | { name: 'step'; boundaries: number[]; factor: number }
  | { name: 'cosine'; iterations: number; final: number }
  | { name: 'warmup'; iterations: number }
  | { name: 'warmup-cosine'; warmup: number; iterations: number; final: number }

export type ResolvedOptimizer = { learningRate: number; schedule: ResolvedSchedule } & (
  | { name: 'sgd'; momentum: number; nesterov: boolean }
  | { name: 'rmsprop'; decay: number; momentum: number; epsilon: number }
  | { name: 'adam'; beta1: number; beta2: number; epsilon: number }
  | { name: 'adamw'; beta1: number; beta2: number; epsilon: number; weightDecay: number }
  | { name: 'sgdw'; momentum: number; nesterov: boolean; weightDecay: number }
  | { name: 'lion'; beta1: number; beta2: number; weightDecay: number }
)

export type ResolvedArchitecture =
  | { name: 'fc'; hidden: number[] }
  | { name: 'lenet'; channels: number[]; units: number; dropout: number[] }
  | { name: 'all-cnn'; widthFactor: number; dropout: number; batchNorm?: ResolvedBatchNorm }
  | {
      name: 'resnet'
      depth: number
      width: number
      widthFactors: number[]
      batchNorm?: ResolvedBatchNorm
    }
  | { name: 'vgg'; widthFactor: number; dropout: number }
  | ({
      name: 'transformer'
      causal: boolean
      positions: 'learned' | 'sinusoidal' | 'none'
      pool: 'last' | 'mean'
      tied: boolean
    } & ResolvedBlocks)
  | ({ name: 'vit'; patch: number } & ResolvedBlocks)
  | {
      name: 'mlp-mixer'
      patch: number
      depth: number
      width: number
      tokenUnits: number
      channelUnits: number
      epsilon?: number
    }
  | {
      name: 'wide-resnet'
      depth: number
      widenFactor: number
      dropout: number
      batchNorm?: ResolvedBatchNorm
    }
  | { name: 'mobilenet'; widthFactor: number; repeats: number; batchNorm?: ResolvedBatchNorm }
  | { name: 'custom'; layers: ResolvedCustomLayer[] }

/** Options of batch norm; each absent where it is what batch norm has anyway (nn/layers.ts). */
export type ResolvedBatchNorm = { epsilon?: number; statistics?: 'batch' | 'running'; momentum?: number }

type ResolvedBlocks = {
  depth: number
  width: number
  heads: number
  mlpRatio: number
  norm: 'pre' | 'post' | 'none'
  normalization: 'layer' | 'rms'
  epsilon?: number
  activation: 'gelu' | 'relu' | 'silu' | 'tanh'
  bias: boolean
  dropout: number
}

export type ResolvedNormalization =
  | { name: 'none' | 'unit' }
  | { name: 'per-channel'; mean?: number[]; deviation?: number[] }

export type ResolvedAugmentation = { flip: boolean; crop: number }

export type ResolvedLoss = { name: 'cross-entropy'; labelSmoothing: number } | { name: 'mean-squared-error' }

export type Padding = 'same' | 'valid'

/** A layer of a custom network with its defaults. */
export type ResolvedCustomLayer =
  | ResolvedCustomLeaf
  | { kind: 'residual'; layers: ResolvedCustomLeaf[]; shortcut: ResolvedCustomLeaf[] }
  | { kind: 'add' | 'concatenate'; branches: ResolvedCustomLeaf[][] }
export type ResolvedCustomLeaf =
  | {
      kind: 'flatten' | 'global_average_pool' | 'relu' | 'tanh' | 'gelu' | 'silu' | 'softplus'
    }
  | ({ kind: 'batch_norm' } & ResolvedBatchNorm)
  | { kind: 'layer_norm' | 'rms_norm'; epsilon?: number }
  | { kind: 'mean_over_tokens' | 'last_token' | 'unembedding' }
  | { kind: 'image_to_sequence' | 'transpose' }
  | { kind: 'leaky_relu'; slope: number }
  | { kind: 'embedding'; features: number }
  | { kind: 'positional'; encoding: 'learned' | 'sinusoidal' }
  | { kind: 'group_norm'; groups: number; epsilon?: number }
  | { kind: 'multi_head_attention'; heads: number; headSize: number; causal: boolean; bias: boolean }
  | { kind: 'last_tokens'; count: number }
  | {
      kind: 'conv1d'
      filters: number
      size: number
      stride: number
      padding: Padding | 'causal'
      bias: boolean
    }
  | { kind: 'dense'; units: number }
  | { kind: 'conv2d'; filters: number; size: number; stride: number; padding: Padding; bias: boolean }
  | { kind: 'depthwise_conv2d'; size: number; stride: number; padding: Padding; bias: boolean }
  | { kind: 'max_pool' | 'average_pool'; size: number }
  | { kind: 'dropout'; rate: number }

/** What steps are judged on before they are taken. `examples` absent: the whole split. */
export type ResolvedJudge = {
  split: SplitName
  method: 'left' | 'trapezoid' | 'simpson'
  examples?: number
}

export type ResolvedIntervention = {
  update: 'helpers' | 'hurters' | 'random' | 'shrink'
  by: 'parameter' | 'unit' | 'layer'
  judge: ResolvedJudge
  from: number
  /** Absent: to the end. */
  until?: number
  every: number
  state: 'whole' | 'masked'
}

export type ResolvedPolicy = {
  judge: ResolvedJudge
  every: number
  /** `for` absent: to the end. */
  freezeHurting?: { steps: number; for?: number }
  stopOverfitting?: { steps: number }
  quietMomentum?: { steps: number; factor: number }
}

/** What a diagnostic is recorded with: those of the options that it has. */
export type ResolvedDiagnostic = { every?: number; examples?: number }

/** A spec with every default filled in and `layers` as the user wrote it. A function of the spec alone: resolving it again changes nothing. */
export type ResolvedSpec = {
  name?: string
  tags: Record<string, string>
  dataset: {
    name: string
    /** Of an uploaded dataset; absent where it is built in. */
    sha256?: string
    trainExamples: number
    validationExamples: number
    seed: number
    /** Absent: bytes are divided by 255, numbers are as they are. */
    normalization?: ResolvedNormalization
  } & DatasetOptions
  architecture: ResolvedArchitecture
  /** Absent: cross-entropy without label smoothing. */
  loss?: ResolvedLoss
  optimizer: ResolvedOptimizer
  layers: Record<string, LayerRule>
  training: {
    iterations: number
    /** The training that happened elsewhere, whose weights these are; absent: it is trained here. */
    trajectory?: string
    batchSize: number
    seed: number
    l2: number
    /** Absent: gradients are not clipped. */
    clipNorm?: number
    /** Absent: the examples as they are. */
    augmentation?: ResolvedAugmentation
    /** Absent: the weights that are allocated are those that are trained. */
    average?: { decay: number; from: number }
    /** Absent: θ_0 is drawn. */
    initial?: { experiment: string; iteration: number; state?: boolean }
    /** Absent: steps are taken as the optimizer proposes them. */
    intervention?: ResolvedIntervention
    /** Absent: training does what the spec says, whatever comes of it. */
    policy?: ResolvedPolicy
  }
  allocation: {
    method: MethodName
    maxError: number
    maxSplits: number
    splits: SplitName[]
    /** Absent: all of every split. */
    examples?: number
    chunkSize: number
    segmentIterations: number
    /**
     * By name: whether each is recorded, and with which options, where it has any. Absent in experiments of before there
     * were any.
     */
    diagnostics?: Record<string, ResolvedDiagnostic | boolean>
  }
  keep: (typeof keepNames)[number][]
  /** Absent where nobody is to be told. */
  notify?: { url: string; events: (typeof notifiedStatuses)[number][] }[]
}
