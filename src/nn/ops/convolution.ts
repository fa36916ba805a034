/**
 * Convolutions over images, channels last. With 'same' padding there are as many outputs as inputs, divided by the
 * stride; with 'valid' the filter stays within the image, and h below is h − k + 1.
 */
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core'
import type { Kernels, Padding } from '../kernels/kernels.ts'
import { record } from './record.ts'

export const convolutionOps = (k: Kernels) => ({
  /**
   * y[n, p, q, o] = Σ_{i, j, c} x[n, s·p + i − a, s·q + j − b, c]·W[i, j, c, o], a and b the zeros before each axis
   * dx[n, u, v, c] = Σ dy·W and dW[i, j, c, o] = Σ_{n, p, q} x·dy over the same pairs.
   * [n, h, w, in], [k, k, in, out] → [n, ⌈h/s⌉, ⌈w/s⌉, out]
   */
  conv2d: (x: Tensor4D, kernel: Tensor4D, stride: number, padding: Padding) =>
    record<Tensor4D, [Tensor4D, Tensor4D]>([x, kernel], () => ({
      value: k.conv2d(x, kernel, stride, padding),
      save: [x, kernel],
      gradients: (dy, [x, kernel]) => [
        () => k.conv2dInputGradient(dy as Tensor4D, kernel, stride, padding, x.shape),
        () => k.conv2dKernelGradient(x, dy as Tensor4D, stride, padding, kernel.shape),
      ],
    })),

  /** conv2d + b;  db = Σ dy over examples and places, the rest as conv2d.  …, [out] → [n, ⌈h/s⌉, ⌈w/s⌉, out] */
  conv2dBias: (x: Tensor4D, kernel: Tensor4D, bias: Tensor1D, stride: number, padding: Padding) =>
    record<Tensor4D, [Tensor4D, Tensor4D]>([x, kernel, bias], () => ({
      value: k.conv2dBias(x, kernel, bias, stride, padding),
      save: [x, kernel],
      gradients: (dy, [x, kernel]) => [
        () => k.conv2dInputGradient(dy as Tensor4D, kernel, stride, padding, x.shape),
        () => k.conv2dKernelGradient(x, dy as Tensor4D, stride, padding, kernel.shape),
        () => k.biasGradient(dy),
      ],
    })),

  /** conv2d with one filter a channel: y[…, c] sees x[…, c] alone.  [n, h, w, c], [k, k, c, 1] → [n, ⌈h/s⌉, ⌈w/s⌉, c] */
  depthwiseConv2d: (x: Tensor4D, kernel: Tensor4D, stride: number, padding: Padding) =>
    record<Tensor4D, [Tensor4D, Tensor4D]>([x, kernel], () => ({
      value: k.depthwiseConv2d(x, kernel, stride, padding),
      save: [x, kernel],
      gradients: (dy, [x, kernel]) => [
        () => k.depthwiseConv2dInputGradient(dy as Tensor4D, kernel, stride, padding, x.shape),
        () => k.depthwiseConv2dKernelGradient(x, dy as Tensor4D, stride, padding, kernel.shape),
      ],
    })),
})
