/**
 * An independent reference in float64: plain loops over arrays, written from the formulas, sharing nothing with src/nn.
 * A network is dense layers with ReLU between them, then softmax cross-entropy.
 */
import assert from 'node:assert/strict'

export type DenseLayer = { kernel: Float64Array; bias: Float64Array; inputs: number; outputs: number }

/** Cuts a flat vector (kernel, bias, kernel, bias, …) into layers of the given widths. */
export function layersOf(theta: ArrayLike<number>, widths: number[]): DenseLayer[] {
  let offset = 0
  const take = (size: number) => Float64Array.from({ length: size }, (_, i) => theta[offset + i])
  return widths.slice(1).map((outputs, l) => {
    const inputs = widths[l]
    const kernel = take(inputs * outputs)
    offset += kernel.length
    const bias = take(outputs)
    offset += outputs
    return { kernel, bias, inputs, outputs }
  })
}

/** Mean loss over examples (each an array of inputs) and its gradient in the layout of theta, by the chain rule. */
export function lossAndGradient(
  theta: ArrayLike<number>,
  widths: number[],
  examples: ArrayLike<number>[],
  labels: ArrayLike<number>,
): { loss: number; gradient: Float64Array } {
  const layers = layersOf(theta, widths)
  const gradient = new Float64Array(theta.length)
  let loss = 0
  examples.forEach((example, n) => {
    const activations: Float64Array[] = [Float64Array.from(example)]
    for (const [l, { kernel, bias, inputs, outputs }] of layers.entries()) {
      const z = Float64Array.from(bias)
      for (let i = 0; i < inputs; i++)
        for (let o = 0; o < outputs; o++) z[o] += activations[l][i] * kernel[i * outputs + o]
      activations.push(l < layers.length - 1 ? z.map(value => Math.max(value, 0)) : z)
    }
    const logits = activations[layers.length]
    const largest = Math.max(...logits)
    const sum = logits.reduce((total, z) => total + Math.exp(z - largest), 0)
    loss += Math.log(sum) + largest - logits[labels[n]]

    let delta: Float64Array = logits.map((z, c) => Math.exp(z - largest) / sum - (c === labels[n] ? 1 : 0))
    let offset = theta.length
    for (let l = layers.length - 1; l >= 0; l--) {
      const { kernel, inputs, outputs } = layers[l]
      offset -= inputs * outputs + outputs
      const back = new Float64Array(inputs)
      for (let i = 0; i < inputs; i++)
        for (let o = 0; o < outputs; o++) {
          gradient[offset + i * outputs + o] += (activations[l][i] * delta[o]) / examples.length
          back[i] += kernel[i * outputs + o] * delta[o]
        }
      for (let o = 0; o < outputs; o++) gradient[offset + inputs * outputs + o] += delta[o] / examples.length
      delta = back.map((value, i) => (activations[l][i] > 0 ? value : 0))
    }
  })
  return { loss: loss / examples.length, gradient }
}

/** (f(x + h·e_i) − f(x − h·e_i)) / 2h for every i. */
export function centralDifferences(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  h = 1e-6,
): Float64Array {
  const point = Float64Array.from(x)
  return point.map((value, i) => {
    point[i] = value + h
    const above = f(point)
    point[i] = value - h
    const below = f(point)
    point[i] = value
    return (above - below) / (2 * h)
  })
}

/** (f(x + h·v) − f(x − h·v)) / 2h */
export function directional(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  v: ArrayLike<number>,
  h = 1e-6,
): number {
  const shifted = (sign: number) => f(Float64Array.from(x, (value, i) => value + sign * h * v[i]))
  return (shifted(1) - shifted(-1)) / (2 * h)
}

/** ‖a − b‖ / ‖b‖ */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0
  let norm = 0
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2
    norm += b[i] ** 2
  }
  return Math.sqrt(difference / norm)
}

/** Each value within so many units of the scale. */
export function close(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
) {
  assert.equal(found.length, expected.length, what)
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Object.is(found[i], expected[i]) || Math.abs(found[i] - expected[i]) <= tolerance,
      `${what}, value ${i}: ${found[i]}, not ${expected[i]}`,
    )
}
