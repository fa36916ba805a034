/** From images to logits: what each kind of layer computes. A network is composition; the tape does the rest. */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import type { Layer } from './layers.ts'
import type { Network } from './network.ts'
import type { Ops } from './ops/ops.ts'

/** The variables of one layer by role: kernel, bias. */
type Parameters = Record<string, Tensor>

type ForwardRules = {
  [K in Layer['kind']]: (
    ops: Ops,
    layer: Extract<Layer, { kind: K }>,
    x: Tensor,
    parameters: Parameters,
  ) => Tensor
}

const forwardRules: ForwardRules = {
  flatten: (ops, _, x) => ops.flatten(x as Tensor4D),
  dense: (ops, _, x, { kernel, bias }) => ops.dense(x as Tensor2D, kernel as Tensor2D, bias as Tensor1D),
  relu: (ops, _, x) => ops.relu(x),
}

/**
 * The logits [n, classes] of images [n, h, w, c] (values in [0, 1]), given the network's variables as tensors in their
 * order.
 */
export function logitsOf(ops: Ops, network: Network, variables: Tensor[], images: Tensor): Tensor2D {
  const byLayer: Record<string, Parameters> = {}
  network.variables.forEach(({ layer, role }, i) => {
    byLayer[layer] ??= {}
    byLayer[layer][role] = variables[i]
  })
  let x = images
  for (const layer of network.graph) {
    const forward = forwardRules[layer.kind] as (ops: Ops, layer: Layer, x: Tensor, p: Parameters) => Tensor
    x = forward(ops, layer, x, 'name' in layer ? byLayer[layer.name] : {})
  }
  return x as Tensor2D
}
