/**
 * Running statistics of batch norm: r ← (1 − m)·r + m·s after each step, s the mean of the batch and its variance, n/(n − 1) of
 * the biased one, as PyTorch has them (Ioffe and Szegedy 2015, algorithm 2). They lie among the weights, so whoever has these
 * can go on.
 */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import * as tf from '@tensorflow/tfjs-core'
import type { Observe } from './forward.ts'
import type { Layer, LeafLayer } from './layers.ts'
import type { Model } from './model.ts'
import { statisticsOf } from './network.ts'

type BatchNorm = Extract<LeafLayer, { kind: 'batch_norm' }>

const defaultMomentum = 0.1

/** What `observe` was shown of a batch, and its way into the weights; undefined where the network has no such statistics. */
export function makeRunning({ network, moments }: Model) {
  if (!network.runningStatistics) return undefined
  const momentumOf = new Map(
    batchNormsIn(network.graph).map(({ name, momentum = defaultMomentum }) => [name, momentum]),
  )
  const seen = new Map<string, { values: number; mean: Float64Array; variance: Float64Array }>()
  const observe: Observe = (layer, x) => {
    const channels = x.shape[x.rank - 1]!
    seen.set(layer, { values: x.size / channels, ...moments(asImages(x)) })
  }
  return {
    observe,
    /** The averages with what was seen last, in place of those in theta, float32 [parameters]. */
    renew(theta: Float32Array): void {
      for (const [layer, { values, mean, variance }] of seen) {
        const m = momentumOf.get(layer)!
        const of = (role: string) =>
          network.variables.find(one => one.layer === statisticsOf(layer) && one.role === role)!.offset
        const [means, variances] = [of('mean'), of('variance')]
        const unbiased = values > 1 ? values / (values - 1) : 1
        for (let c = 0; c < mean.length; c++) {
          theta[means + c] = (1 - m) * theta[means + c] + m * mean[c]
          theta[variances + c] = (1 - m) * theta[variances + c] + m * unbiased * variance[c]
        }
      }
    },
  }
}

const batchNormsIn = (layers: Layer[]): BatchNorm[] =>
  layers.flatMap(layer => {
    if (layer.kind === 'residual') return batchNormsIn([...layer.main, ...layer.shortcut])
    if ('branches' in layer) return layer.branches.flatMap(batchNormsIn)
    return layer.kind === 'batch_norm' ? [layer] : []
  })

const asImages = (x: Tensor): Tensor4D =>
  x.rank === 4 ? (x as Tensor4D) : tf.reshape(x, [-1, 1, 1, x.shape[x.rank - 1]!])
