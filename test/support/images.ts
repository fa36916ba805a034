/**
 * What layers over images compute, in float64: plain loops written from the formulas, sharing nothing with src/nn. An image
 * batch is its values, row-major, and its shape [n, h, w, c]. Within `differentiate` each operation also notes how a
 * derivative goes back through it (reverse mode, by the chain rule); the tests check that against central differences.
 */

export type Images = { values: ArrayLike<number>; shape: number[]; gradient?: Float64Array }
type Computed = Images & { values: Float64Array }

type Tape = { back: (() => void)[]; slack: number }
let tape: Tape | undefined

/**
 * The value of `f` and the gradient with respect to each of `inputs`, which it must use as they are. `slack` moves ReLU's
 * kink: units count as active above slack · (the root mean square of their layer).
 */
export function differentiate(f: () => Computed, inputs: Images[], slack = 0) {
  tape = { back: [], slack }
  for (const input of inputs) input.gradient = new Float64Array(input.values.length)
  try {
    const y = f()
    y.gradient = Float64Array.of(1)
    for (const back of tape.back.reverse()) back()
    return { value: y.values[0], gradients: inputs.map(input => input.gradient!) }
  } finally {
    tape = undefined
  }
}

/** y, with how dy goes back: `back` adds to the gradients of the inputs. */
export function record(y: Computed, inputs: Images[], back: (dy: Float64Array) => void): Computed {
  tape?.back.push(() => {
    for (const input of inputs) input.gradient ??= new Float64Array(input.values.length)
    if (y.gradient) back(y.gradient)
  })
  return y
}

export const zeros = (shape: number[]) => ({
  values: new Float64Array(shape.reduce((a, b) => a * b, 1)),
  shape,
})

type Padding = 'same' | 'valid'

/** Rows or columns of output. */
const outputs = (size: number, k: number, stride: number, padding: Padding) =>
  padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - k) / stride) + 1

/** Calls `visit` for every output place (as an index of pixels) of a convolution, every input place and weight that it sees. */
function eachPair(
  [n, h, w]: number[],
  k: number,
  stride: number,
  padding: Padding,
  visit: (output: number, input: number, weight: number) => void,
) {
  const [rows, columns] = [outputs(h, k, stride, padding), outputs(w, k, stride, padding)]
  const before = (outputs: number, size: number) =>
    padding === 'same' ? Math.floor(Math.max((outputs - 1) * stride + k - size, 0) / 2) : 0
  const [above, left] = [before(rows, h), before(columns, w)]
  for (let b = 0; b < n; b++)
    for (let p = 0; p < rows; p++)
      for (let q = 0; q < columns; q++)
        for (let i = 0; i < k; i++)
          for (let j = 0; j < k; j++) {
            const u = p * stride + i - above
            const v = q * stride + j - left
            if (u >= 0 && u < h && v >= 0 && v < w)
              visit((b * rows + p) * columns + q, (b * h + u) * w + v, i * k + j)
          }
}

/** x * W, W [k, k, in, out]. */
export function conv2d(x: Images, kernel: Images, stride: number, padding: Padding = 'same'): Computed {
  const [n, h, w, ins] = x.shape
  const [k, , , outs] = kernel.shape
  const y = zeros([n, outputs(h, k, stride, padding), outputs(w, k, stride, padding), outs])
  eachPair(x.shape, k, stride, padding, (output, input, weight) => {
    for (let c = 0; c < ins; c++)
      for (let o = 0; o < outs; o++)
        y.values[output * outs + o] +=
          x.values[input * ins + c] * kernel.values[(weight * ins + c) * outs + o]
  })
  return record(y, [x, kernel], dy =>
    eachPair(x.shape, k, stride, padding, (output, input, weight) => {
      for (let c = 0; c < ins; c++)
        for (let o = 0; o < outs; o++) {
          const [from, at] = [input * ins + c, (weight * ins + c) * outs + o]
          x.gradient![from] += dy[output * outs + o] * kernel.values[at]
          kernel.gradient![at] += dy[output * outs + o] * x.values[from]
        }
    }),
  )
}

/** x * W channel by channel, W [k, k, c, 1]. */
export function depthwiseConv2d(
  x: Images,
  kernel: Images,
  stride: number,
  padding: Padding = 'same',
): Computed {
  const [n, h, w, channels] = x.shape
  const k = kernel.shape[0]
  const y = zeros([n, outputs(h, k, stride, padding), outputs(w, k, stride, padding), channels])
  eachPair(x.shape, k, stride, padding, (output, input, weight) => {
    for (let c = 0; c < channels; c++)
      y.values[output * channels + c] += x.values[input * channels + c] * kernel.values[weight * channels + c]
  })
  return record(y, [x, kernel], dy =>
    eachPair(x.shape, k, stride, padding, (output, input, weight) => {
      for (let c = 0; c < channels; c++) {
        const [from, at] = [input * channels + c, weight * channels + c]
        x.gradient![from] += dy[output * channels + c] * kernel.values[at]
        kernel.gradient![at] += dy[output * channels + c] * x.values[from]
      }
    }),
  )
}

/** The largest, or the mean, of the values in each size×size window; a largest's derivative goes to the first of them. */
export function pool(x: Images, size: number, kind: 'max' | 'mean'): Computed {
  const [n, h, w, c] = x.shape
  const y = zeros([n, Math.floor(h / size), Math.floor(w / size), c])
  const [, rows, columns] = y.shape
  const window = (at: number) => {
    const [k, q, p, b] = [
      at % c,
      Math.floor(at / c) % columns,
      Math.floor(at / c / columns) % rows,
      Math.floor(at / c / columns / rows),
    ]
    return Array.from(
      { length: size * size },
      (_, i) => ((b * h + p * size + Math.floor(i / size)) * w + q * size + (i % size)) * c + k,
    )
  }
  const largest = (places: number[]) => places.reduce((a, b) => (x.values[b] > x.values[a] ? b : a))
  for (let at = 0; at < y.values.length; at++) {
    const places = window(at)
    y.values[at] = kind === 'max' ? x.values[largest(places)] : mean(places.map(place => x.values[place]))
  }
  return record(y, [x], dy =>
    dy.forEach((d, at) => {
      const places = window(at)
      if (kind === 'max') x.gradient![largest(places)] += d
      else for (const place of places) x.gradient![place] += d / places.length
    }),
  )
}

export const mean = (values: ArrayLike<number>) => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum / values.length
}

/** [n, h, w, c] → [n, c] */
export function globalAveragePool(x: Images): Computed {
  const [n, h, w, c] = x.shape
  const y = zeros([n, c])
  const output = (at: number) => Math.floor(at / (h * w * c)) * c + (at % c)
  for (let at = 0; at < x.values.length; at++) y.values[output(at)] += x.values[at] / (h * w)
  return record(y, [x], dy =>
    x.gradient!.forEach((_, at) => {
      x.gradient![at] += dy[output(at)] / (h * w)
    }),
  )
}

/** γ·x̂ + β, x̂ = (x − μ)/√(σ² + ε), by channel over the batch. */
export function batchNorm(x: Images, gamma: Images, beta: Images, epsilon = 1e-3): Computed {
  const channels = x.shape[x.shape.length - 1]
  const m = x.values.length / channels
  const y = zeros(x.shape)
  const normalized = new Float64Array(x.values.length)
  const scale = new Float64Array(channels)
  for (let c = 0; c < channels; c++) {
    const own = Float64Array.from({ length: m }, (_, at) => x.values[at * channels + c])
    const mu = mean(own)
    scale[c] = 1 / Math.sqrt(mean(own.map(value => (value - mu) ** 2)) + epsilon)
    own.forEach((value, at) => {
      normalized[at * channels + c] = (value - mu) * scale[c]
      y.values[at * channels + c] = gamma.values[c] * normalized[at * channels + c] + beta.values[c]
    })
  }
  return record(y, [x, gamma, beta], dy => {
    for (let c = 0; c < channels; c++) {
      let [sum, along] = [0, 0]
      for (let at = c; at < dy.length; at += channels) {
        sum += dy[at]
        along += dy[at] * normalized[at]
      }
      beta.gradient![c] += sum
      gamma.gradient![c] += along
      // dx = γ/√(σ² + ε)·(dy − mean(dy) − x̂·mean(dy·x̂)), the statistics depending on x
      for (let at = c; at < dy.length; at += channels)
        x.gradient![at] += gamma.values[c] * scale[c] * (dy[at] - sum / m - (normalized[at] * along) / m)
    }
  })
}

export function relu(x: Images): Computed {
  const y = { values: Float64Array.from(x.values, value => Math.max(value, 0)), shape: x.shape }
  const rms = tape?.slack ? Math.sqrt(mean(Float64Array.from(x.values, value => value ** 2))) : 0
  const kink = rms * (tape?.slack ?? 0)
  return record(y, [x], dy =>
    dy.forEach((d, at) => {
      if (x.values[at] > kink) x.gradient![at] += d
    }),
  )
}

/** A function of each value, and its derivative. */
export function each(x: Images, f: (v: number) => number, slope: (v: number) => number): Computed {
  const y = { values: Float64Array.from(x.values, f), shape: x.shape }
  return record(y, [x], dy =>
    dy.forEach((d, at) => {
      x.gradient![at] += d * slope(x.values[at])
    }),
  )
}

/** y[..., o] = x[..., o] + b[o]; with b of x's shape, their sum. */
export function plus(x: Images, b: Images): Computed {
  const length = b.values.length
  const y = {
    values: Float64Array.from(x.values, (value, i) => value + b.values[i % length]),
    shape: x.shape,
  }
  return record(y, [x, b], dy =>
    dy.forEach((d, at) => {
      x.gradient![at] += d
      b.gradient![at % length] += d
    }),
  )
}

/** x as [n, features] times [features, units], and the bias. */
export function dense(x: Images, kernel: Images, bias: Images): Computed {
  const [features, units] = kernel.shape
  const n = x.values.length / features
  const y = zeros([n, units])
  for (let b = 0; b < n; b++)
    for (let f = 0; f < features; f++)
      for (let u = 0; u < units; u++)
        y.values[b * units + u] += x.values[b * features + f] * kernel.values[f * units + u]
  const product = record(y, [x, kernel], dy => {
    for (let b = 0; b < n; b++)
      for (let f = 0; f < features; f++)
        for (let u = 0; u < units; u++) {
          x.gradient![b * features + f] += dy[b * units + u] * kernel.values[f * units + u]
          kernel.gradient![f * units + u] += dy[b * units + u] * x.values[b * features + f]
        }
  })
  return plus(product, bias)
}

/** The mean of log Σ e^z − z_label over a batch [n, classes]. */
export function crossEntropy(x: Images, labels: ArrayLike<number>): Computed {
  const [n, classes] = x.shape
  const share = new Float64Array(n * classes)
  let loss = 0
  for (let b = 0; b < n; b++) {
    const logits = Array.from({ length: classes }, (_, c) => x.values[b * classes + c])
    const largest = Math.max(...logits)
    const sum = logits.reduce((total, z) => total + Math.exp(z - largest), 0)
    loss += Math.log(sum) + largest - logits[labels[b]]
    logits.forEach((z, c) => {
      share[b * classes + c] = Math.exp(z - largest) / sum - (c === labels[b] ? 1 : 0)
    })
  }
  return record({ values: Float64Array.of(loss / n), shape: [] }, [x], ([d]) =>
    share.forEach((s, at) => {
      x.gradient![at] += (d * s) / n
    }),
  )
}
