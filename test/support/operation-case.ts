/** What a case of an operation is (image-operations.ts and sequence-operations.ts have them), and what cases are made of. */
import type * as tf from '@tensorflow/tfjs-core'
import type { Ops } from '../../src/nn/ops/ops.ts'
import { randomStream } from '../../src/nn/random.ts'

/** An operation beside its formula in float64: inputs by shape, values as flat arrays. */
export type Case = {
  op: (ops: Ops, ...inputs: tf.Tensor[]) => tf.Tensor
  inputs: number[][]
  /** Integer inputs that are not differentiated, after the others; their shape, if it is not one axis. */
  labels?: number[]
  tokens?: number[]
  formula: (...inputs: ArrayLike<number>[]) => ArrayLike<number>
}

/** 0 … n − 1. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}
/** f over rows, then columns. */
export function grid(rows: number, columns: number, f: (row: number, column: number) => number): number[] {
  return range(rows).flatMap(row => range(columns).map(column => f(row, column)))
}

/** Standard normal draws of the stream that the key names. */
export function draw(length: number, ...key: (string | number)[]): Float32Array {
  const stream = randomStream(...key)
  return Float32Array.from({ length }, () => stream.normal())
}
