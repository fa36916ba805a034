/**
 * Loops over vectors of the host that every iteration runs over all parameters. In JavaScript here; beside native TensorFlow they
 * run in C++ (native/host/loops.cc), in half to a tenth of the time, and ranges side by side on several cores. Both do the same
 * operations in the same order within a range, so they give the same bits, and whoever calls them does not know which they are.
 *
 * Signs are every other way, and a processor cannot guess them: the parts (x ∓ |x|)/2 are x or 0 exactly, and counts are added
 * as numbers, without a branch.
 */
type Floats = Float32Array | Float64Array

/** Of variables, or whatever else has parameters [offset, offset + size): [n, 2], as `rangesOf` makes them. */
export type Ranges = Float64Array

export const rangesOf = (ranges: { offset: number; size: number }[]): Ranges =>
  Float64Array.from(ranges.flatMap(({ offset, size }) => [offset, size]))

/** Which units ranges are of (spec/units.ts): [n, 3]. */
export const spansOf = (spans: { first: number; stride: number; units: number }[]): Float64Array =>
  Float64Array.from(spans.flatMap(({ first, stride, units }) => [first, stride, units]))

/** How many values the loops find of each range. */
export const valuesFound = { sums: 6, slopes: 5, compare: 5, compareUpdates: 5, compareSigns: 2, join: 4 }

/** The bins of magnitudes: the first nine bits of a float32, of which the first is the sign. */
export const signedBins = 512

/** What `tally` keeps of a range, [n, 8] in this order. */
export const extremes = [
  ...(['squared', 'fourth'] as const),
  ...(['max', 'maxIndex', 'maxIteration', 'min', 'minIndex', 'minIteration'] as const),
] as const

/** `found` has so many values for each of the ranges, in their order. */
export type HostLoops = {
  /** into ← a·x + b·y (+ c·z), as long as the shortest of them. */
  combine(into: Floats, a: number, x: Floats, b: number, y: Floats, c?: number, z?: Floats): void
  /** lca ← mean∘delta, rounded to float32; returns its sum. + 0 turns −0 into 0: what did not move is allocated exactly nothing. */
  allocate(lca: Float32Array, mean: Float64Array, delta: Float64Array): number
  /** Σ of the negative allocations, of the positive ones, of their squares, Σ Δ², and how many are negative and positive. */
  sums(lca: Float32Array, delta: Float64Array, ranges: Ranges, found: Float64Array): void
  /** Σ lca, Σ before·delta, Σ after·delta, Σ before², Σ (after − before)². */
  slopes(
    lca: Float32Array,
    before: Float64Array,
    after: Float64Array,
    delta: Float64Array,
    ranges: Ranges,
    found: Float64Array,
  ): void
  /** Of vectors a and b: Σ a·b, Σ a², Σ b², how many products are negative, and how many not 0. */
  compare(a: Float64Array, b: Float64Array, ranges: Ranges, found: Float64Array): void
  /** The same of a = theta − earlier, exact in float64, and b. */
  compareUpdates(
    earlier: Float32Array,
    theta: Float32Array,
    b: Float64Array,
    ranges: Ranges,
    found: Float64Array,
  ): void
  /** The last two of the five alone, of float32, whose products float64 holds. */
  compareSigns(a: Float32Array, b: Float32Array, ranges: Ranges, found: Float64Array): void
  /**
   * sum ← sum + values, rounded to float32: how many of the values are below and above 0, and how many of the sums. With
   * `isFirst` the sums are the values.
   */
  join(values: Float32Array, sum: Float32Array, isFirst: boolean, ranges: Ranges, found: Float64Array): void
  /**
   * Adds the values that are not 0 to a histogram of each range by their first nine bits, their number and Σ |value| (`counts`
   * and `absolute`, [n, signedBins]), and to what there is of `extremes`.
   */
  tally(
    values: Float32Array,
    iteration: number,
    ranges: Ranges,
    counts: Float64Array,
    absolute: Float64Array,
    extremes: Float64Array,
  ): void
  /**
   * Adds negative values to `helping` and positive ones to `hurting`, by unit. `spans` are [n, 3], first, stride and units: those
   * of a unit are `stride` in a row, and units [first, first + units) take turns. Two ranges have the same first or no unit together.
   */
  addUnits(
    values: Float32Array,
    ranges: Ranges,
    spans: Float64Array,
    helping: Float64Array,
    hurting: Float64Array,
  ): void
  /** The same sums by unit, whatever their sign. */
  sumUnits(values: Float32Array, ranges: Ranges, spans: Float64Array, sums: Float64Array): void
  /** v ← μ·v + g;  θ ← κ·θ − η·v, or with Nesterov κ·θ − η·(g + μ·v), of vectors of one length (nn/optimizers.ts). */
  sgd(
    theta: Float32Array,
    g: Float64Array,
    v: Float64Array,
    step: { momentum: number; nesterov: boolean; rate: number; kept: number },
  ): void
  /** m ← β₁·m + (1 − β₁)·g;  s ← β₂·s + (1 − β₂)·g²;  θ ← κ·θ − η·(m/first)/(√(s/second) + ε), likewise. */
  adam(
    theta: Float32Array,
    g: Float64Array,
    m: Float64Array,
    s: Float64Array,
    step: {
      beta1: number
      beta2: number
      epsilon: number
      first: number
      second: number
      rate: number
      kept: number
    },
  ): void
  /**
   * Beside native TensorFlow alone: where a vector's values lie in memory, for operations of ours that read or write them there
   * (kernels/fused.ts). Good as long as the vector is held.
   */
  addressOf?(vector: Float64Array): bigint
}

/** What `find` finds of each range. */
function overRanges(
  ranges: Ranges,
  found: Float64Array,
  each: number,
  find: (from: number, to: number) => number[],
): void {
  for (let r = 0; 2 * r < ranges.length; r++)
    found.set(find(ranges[2 * r], ranges[2 * r] + ranges[2 * r + 1]), r * each)
}

/** Calls `take` for the parameters of each unit that lie in a row. */
function overUnits(
  ranges: Ranges,
  spans: Float64Array,
  take: (unit: number, from: number, to: number) => void,
): void {
  for (let r = 0; 2 * r < ranges.length; r++) {
    const [first, stride, units] = spans.subarray(3 * r)
    const end = ranges[2 * r] + ranges[2 * r + 1]
    for (let from = ranges[2 * r], unit = 0; from < end; from += stride) {
      take(first + unit, from, Math.min(from + stride, end))
      if (++unit === units) unit = 0
    }
  }
}

export const portableLoops: HostLoops = {
  combine(into, a, x, b, y, c, z) {
    const length = Math.min(into.length, x.length, y.length, z?.length ?? into.length)
    if (c === undefined || z === undefined) for (let i = 0; i < length; i++) into[i] = a * x[i] + b * y[i]
    else for (let i = 0; i < length; i++) into[i] = a * x[i] + b * y[i] + c * z[i]
  },

  allocate(lca, mean, delta) {
    let total = 0
    for (let i = 0; i < lca.length; i++) {
      lca[i] = mean[i] * delta[i] + 0
      total += lca[i]
    }
    return total
  },

  sums(lca, delta, ranges, found) {
    overRanges(ranges, found, valuesFound.sums, (from, to) => {
      let helping = 0
      let hurting = 0
      let squared = 0
      let moved = 0
      let helped = 0
      let hurt = 0
      for (let i = from; i < to; i++) {
        const allocation = lca[i]
        const step = delta[i]
        const magnitude = Math.abs(allocation)
        helping += 0.5 * (allocation - magnitude)
        hurting += 0.5 * (allocation + magnitude)
        helped += Number(allocation < 0)
        hurt += Number(allocation > 0)
        squared += allocation * allocation
        moved += step * step
      }
      return [helping, hurting, squared, moved, helped, hurt]
    })
  },

  slopes(lca, before, after, delta, ranges, found) {
    overRanges(ranges, found, valuesFound.slopes, (from, to) => {
      let total = 0
      let first = 0
      let end = 0
      let gradient = 0
      let gradientChange = 0
      for (let i = from; i < to; i++) {
        const change = after[i] - before[i]
        total += lca[i]
        first += before[i] * delta[i]
        end += after[i] * delta[i]
        gradient += before[i] * before[i]
        gradientChange += change * change
      }
      return [total, first, end, gradient, gradientChange]
    })
  },

  compare(a, b, ranges, found) {
    overRanges(ranges, found, valuesFound.compare, (from, to) => compare(from, to, b, a))
  },

  compareUpdates(earlier, theta, b, ranges, found) {
    overRanges(ranges, found, valuesFound.compareUpdates, (from, to) => compare(from, to, b, theta, earlier))
  },

  compareSigns(a, b, ranges, found) {
    overRanges(ranges, found, valuesFound.compareSigns, (from, to) => {
      let turned = 0
      let signed = 0
      for (let i = from; i < to; i++) {
        const product = a[i] * b[i]
        turned += Number(product < 0)
        signed += Number(product !== 0)
      }
      return [turned, signed]
    })
  },

  join(values, sum, isFirst, ranges, found) {
    overRanges(ranges, found, valuesFound.join, (from, to) => {
      let helpedOnce = 0
      let hurtOnce = 0
      let helped = 0
      let hurt = 0
      for (let i = from; i < to; i++) {
        const one = values[i]
        const joined = isFirst ? one : Math.fround(sum[i] + one)
        sum[i] = joined
        helpedOnce += Number(one < 0)
        hurtOnce += Number(one > 0)
        helped += Number(joined < 0)
        hurt += Number(joined > 0)
      }
      return [helpedOnce, hurtOnce, helped, hurt]
    })
  },

  tally(values, iteration, ranges, counts, absolute, kept) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
    const width = extremes.length
    for (let r = 0; 2 * r < ranges.length; r++) {
      const bins = r * signedBins
      let [, , max, maxIndex, maxIteration, min, minIndex, minIteration] = kept.subarray(r * width)
      let squared = 0
      let fourth = 0
      for (let i = ranges[2 * r]; i < ranges[2 * r] + ranges[2 * r + 1]; i++) {
        const x = values[i]
        if (x === 0) continue
        const bin = bins + (words[i] >>> 23)
        const square = x * x
        counts[bin] += 1
        absolute[bin] += Math.abs(x)
        squared += square
        fourth += square * square
        if (x > max) {
          max = x
          maxIndex = i
          maxIteration = iteration
        }
        if (x < min) {
          min = x
          minIndex = i
          minIteration = iteration
        }
      }
      const [before, beforeFourth] = kept.subarray(r * width)
      kept.set([before + squared, beforeFourth + fourth], r * width)
      kept.set([max, maxIndex, maxIteration, min, minIndex, minIteration], r * width + 2)
    }
  },

  addUnits(values, ranges, spans, helping, hurting) {
    overUnits(ranges, spans, (unit, from, to) => {
      for (let i = from; i < to; i++) {
        const value = values[i]
        const magnitude = Math.abs(value)
        helping[unit] += 0.5 * (value - magnitude)
        hurting[unit] += 0.5 * (value + magnitude)
      }
    })
  },

  sumUnits(values, ranges, spans, sums) {
    overUnits(ranges, spans, (unit, from, to) => {
      for (let i = from; i < to; i++) sums[unit] += values[i]
    })
  },

  sgd(theta, g, v, { momentum, nesterov, rate, kept }) {
    for (let i = 0; i < theta.length; i++) {
      v[i] = momentum * v[i] + g[i]
      theta[i] = theta[i] * kept - rate * (nesterov ? g[i] + momentum * v[i] : v[i])
    }
  },

  adam(theta, g, m, s, { beta1, beta2, epsilon, first, second, rate, kept }) {
    for (let i = 0; i < theta.length; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i]
      s[i] = beta2 * s[i] + (1 - beta2) * g[i] * g[i]
      theta[i] = theta[i] * kept - (rate * (m[i] / first)) / (Math.sqrt(s[i] / second) + epsilon)
    }
  },
}

/** The five of compare, of a, less `minus` where that is given, and b. */
function compare(from: number, to: number, b: Float64Array, a: Floats, minus?: Float32Array): number[] {
  let dot = 0
  let before = 0
  let after = 0
  let turned = 0
  let signed = 0
  for (let i = from; i < to; i++) {
    const x = minus === undefined ? a[i] : a[i] - minus[i]
    const y = b[i]
    const product = x * y
    dot += product
    before += x * x
    after += y * y
    turned += Number(product < 0)
    signed += Number(product !== 0)
  }
  return [dot, before, after, turned, signed]
}

/** Those of this process; portable until native ones are loaded. */
export let hostLoops: HostLoops = portableLoops

export function useHostLoops(loops: HostLoops): void {
  hostLoops = loops
}
