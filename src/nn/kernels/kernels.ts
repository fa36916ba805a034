/**
 * The tensor primitives that operations are made of. Two sets: raw TensorFlow kernels where the native library is
 * loaded, and a portable one made of TensorFlow.js operations (WASM). None of them records anything on the tape: the
 * gradients are written down once, in nn/ops, in terms of these same primitives.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'

export type Kernels = {
  /**
   * Records what `f` computes of `inputs`, to be run as a whole with others of the same shapes; absent where the engine has no
   * such way. f runs meanwhile, once; it and its results are the caller's to tidy.
   */
  record?(inputs: Tensor[], f: () => Tensor[]): Graph
  /** Whether the host waits for a device when it reads a tensor, rather than copying what lies in its own memory. */
  readsWait: boolean
  /**
   * sums ← sums + weight · gradients, a gradient of each variable, in their order, where the engine can: at once, and in place.
   * Gives Σ_i g_i d_i over each variable along each of `directions`, [variables, directions], float64 as int32 [2·values], the
   * bytes as they lie in memory.
   */
  accumulate?(sums: Float64Array, weight: number, gradients: Tensor[], directions: Float64Array[]): Tensor1D
  /** op(a)·op(b), op transposing where asked: [m, k]·[k, n] → [m, n]. */
  matMul(a: Tensor2D, b: Tensor2D, transposeA: boolean, transposeB: boolean): Tensor2D
  /** op(a)·op(b) of each of a batch of matrices: [n, m, k]·[n, k, c] → [n, m, c]. */
  batchMatMul(a: Tensor3D, b: Tensor3D, transposeA: boolean, transposeB: boolean): Tensor3D
  /** The rows of a table that int32 indices name, each in [0, rows): [rows, c], [n, …] → [n, …, c]. */
  gatherRows(table: Tensor2D, indices: Tensor): Tensor
  /** xᵀ·dy, the gradient of a dense layer's kernel: [n, in], [n, out] → [in, out]. */
  kernelGradient(x: Tensor2D, dy: Tensor2D): Tensor2D
  /** x + b over the last axis: [..., n] + [n]. */
  biasAdd<T extends Tensor>(x: T, bias: Tensor1D): T
  /** Σ of dy over all but the last axis: [..., n] → [n]. */
  biasGradient(dy: Tensor): Tensor1D
  relu<T extends Tensor>(x: T): T
  /** dy where y > 0, else 0. */
  reluGradient<T extends Tensor>(dy: T, y: T): T
  /** x·σ(2u), u = √(2/π)·(x + 0.044715·x³), and what the gradient wants to know of it; then dy times its derivative. */
  gelu(x: Tensor): Kept
  geluGradient(dy: Tensor, saved: Tensor[]): Tensor
  /** x·σ(x); then dy times its derivative. */
  silu<T extends Tensor>(x: T): T
  siluGradient(dy: Tensor, x: Tensor): Tensor
  /** dy·sech²x, exact to rounding where tanh saturates. */
  tanhGradient(dy: Tensor, x: Tensor): Tensor
  /**
   * γ·(x − μ)/√(σ² + ε) + β by the mean and the (biased) variance of the c values of a place, [..., c], [c], [c] → [..., c]; then
   * dx, dγ and dβ.
   */
  layerNorm(x: Tensor, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Kept
  layerNormGradient(dy: Tensor, gamma: Tensor1D, saved: Tensor[]): [Tensor, Tensor1D, Tensor1D]
  /** γ·x/√(Σx²/c + ε) over the c values of a place, [..., c], [c] → [..., c]; then dx and dγ. */
  rmsNorm(x: Tensor, gamma: Tensor1D, epsilon: number): Kept
  rmsNormGradient(dy: Tensor, gamma: Tensor1D, saved: Tensor[]): [Tensor, Tensor1D]
  /**
   * By example and head softmax(q·kᵀ/√c + mask)·v, over the head's columns, causal or not: [n, length, heads·c] three times →
   * [n, length, heads·c]; then dq, dk and dv.
   */
  attention(q: Tensor3D, k: Tensor3D, v: Tensor3D, heads: number, causal: boolean): Kept<Tensor3D>
  attentionGradient(dy: Tensor3D, saved: Tensor[]): [Tensor3D, Tensor3D, Tensor3D]
  /**
   * Per example −log softmax(logits)[label] and its gradient softmax(logits) − onehot(label):
   * [n, classes], int32 [n] → [[n], [n, classes]].
   */
  softmaxCrossEntropy(logits: Tensor2D, labels: Tensor1D): [Tensor1D, Tensor2D]
  /**
   * Dense layers one behind the other, with ReLU behind those that `rectified` says, and softmaxCrossEntropy at the end, in one
   * pass over the examples, where the engine can: [n, …], int32 [n], kernel [in, out] and bias [out] of each layer.
   */
  denseChain?(
    x: Tensor,
    labels: Tensor1D,
    variables: Tensor[],
    rectified: boolean[],
    gradients: boolean,
  ): DenseChainPass

  /**
   * Convolution, with 'same' padding zeros beyond the border: [n, h, w, in], [k, k, in, out] →
   * [n, ⌈h/stride⌉, ⌈w/stride⌉, out]; with 'valid' h − k + 1 in the place of h.
   */
  conv2d(x: Tensor4D, kernel: Tensor4D, stride: number, padding: Padding): Tensor4D
  /** conv2d, and bias [out] added. */
  conv2dBias(x: Tensor4D, kernel: Tensor4D, bias: Tensor1D, stride: number, padding: Padding): Tensor4D
  /** The gradient of conv2d with respect to x, whose shape it has. */
  conv2dInputGradient(
    dy: Tensor4D,
    kernel: Tensor4D,
    stride: number,
    padding: Padding,
    shape: Shape4D,
  ): Tensor4D
  /** The gradient of conv2d with respect to the kernel, whose shape it has. */
  conv2dKernelGradient(x: Tensor4D, dy: Tensor4D, stride: number, padding: Padding, shape: Shape4D): Tensor4D
  /** One filter a channel: [n, h, w, c], [k, k, c, 1] → [n, ⌈h/stride⌉, ⌈w/stride⌉, c]. */
  depthwiseConv2d(x: Tensor4D, kernel: Tensor4D, stride: number, padding: Padding): Tensor4D
  depthwiseConv2dInputGradient(
    dy: Tensor4D,
    kernel: Tensor4D,
    stride: number,
    padding: Padding,
    shape: Shape4D,
  ): Tensor4D
  depthwiseConv2dKernelGradient(
    x: Tensor4D,
    dy: Tensor4D,
    stride: number,
    padding: Padding,
    shape: Shape4D,
  ): Tensor4D
  /**
   * The largest of each size×size window, windows side by side, and what else the gradient wants to know of them:
   * [n, h, w, c] → [[n, ⌊h/size⌋, ⌊w/size⌋, c], places].
   */
  maxPool(x: Tensor4D, size: number): [Tensor4D, ...Tensor[]]
  /** dy at the first largest of each window (row by row), else 0. */
  maxPoolGradient(dy: Tensor4D, x: Tensor4D, y: Tensor4D, places: Tensor[], size: number): Tensor4D
  /** max(maxPool, 0), and what else its gradient wants to know; then dy at the first largest of each window where that is > 0. */
  maxPoolRelu(x: Tensor4D, size: number): [Tensor4D, ...Tensor[]]
  maxPoolReluGradient(dy: Tensor4D, x: Tensor4D, y: Tensor4D, places: Tensor[], size: number): Tensor4D
  /** The mean of each window; windows as in maxPool. */
  averagePool(x: Tensor4D, size: number): Tensor4D
  /** dy/size² over each window, 0 outside all of them. */
  averagePoolGradient(dy: Tensor4D, size: number, shape: Shape4D): Tensor4D
  /** γ·(x − mean)/√(variance + ε) + β with the mean and the (biased) variance of each channel of this batch: [n, h, w, c], [c], [c] → [n, h, w, c]. */
  batchNorm(x: Tensor4D, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Kept<Tensor4D>
  /** max(batchNorm, 0). */
  batchNormRelu(x: Tensor4D, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Kept<Tensor4D>
  /** The mean and the (biased) variance of each channel, on the host: float64 [c] each. */
  moments(x: Tensor4D): { mean: Float64Array; variance: Float64Array }
  /** dx, dγ and dβ, the statistics depending on x. */
  batchNormGradient(
    dy: Tensor4D,
    gamma: Tensor1D,
    saved: Tensor[],
    epsilon: number,
  ): [Tensor4D, Tensor1D, Tensor1D]
  /** batchNormGradient of dy where what batchNormRelu gave is > 0, else 0. */
  batchNormReluGradient(
    dy: Tensor4D,
    gamma: Tensor1D,
    saved: Tensor[],
    epsilon: number,
  ): [Tensor4D, Tensor1D, Tensor1D]
  /** max(batchNorm + shortcut, 0), the shortcut of x's shape; then dx, dγ, dβ and what the shortcut has of dy. */
  batchNormAddRelu(
    x: Tensor4D,
    gamma: Tensor1D,
    beta: Tensor1D,
    shortcut: Tensor4D,
    epsilon: number,
  ): Kept<Tensor4D>
  batchNormAddReluGradient(
    dy: Tensor4D,
    gamma: Tensor1D,
    saved: Tensor[],
    epsilon: number,
  ): [Tensor4D, Tensor1D, Tensor1D, Tensor4D]
}

/** A value, and what the primitive's gradient wants to know of it. */
export type Kept<T extends Tensor = Tensor> = { y: T; saved: Tensor[] }

/** ℓ of each example, [n], the logits, [n, classes], and the gradient of Σ ℓ by variable, or nothing where it was not asked for. */
export type DenseChainPass = { losses: Tensor1D; logits: Tensor2D; gradients: Tensor[] }

/** A recorded computation: outputs from inputs, in the orders and the shapes that it was recorded with. */
export type Graph = { run(inputs: Tensor[]): Tensor[]; dispose(): void }

export type Padding = 'same' | 'valid'
export type Shape4D = [number, number, number, number]
