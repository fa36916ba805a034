/**
 * Loops over vectors of the host that every iteration runs over all parameters. In JavaScript here; beside native TensorFlow they
 * run in C++ (native/host/loops.cc), in half to a fifth of the time. Both do the same operations in the same order, so they give
 * the same bits, and whoever calls them does not know which they are.
 *
 * Signs are every other way, and a processor cannot guess them: the parts (x ∓ |x|)/2 are x or 0 exactly, and counts are added
 * as numbers, without a branch.
 */
type Floats = Float32Array | Float64Array

export type HostLoops = {
  /** into ← a·x + b·y (+ c·z), as long as the shortest of them. */
  combine(into: Floats, a: number, x: Floats, b: number, y: Floats, c?: number, z?: Floats): void
  /** lca ← mean∘delta, rounded to float32; returns its sum. + 0 turns −0 into 0: what did not move is allocated exactly nothing. */
  allocate(lca: Float32Array, mean: Float64Array, delta: Float64Array): number
  /**
   * Over parameters [offset, offset + size): Σ of the negative allocations, of the positive ones, of their squares, Σ Δ², and how
   * many are negative and positive: [6].
   */
  sums(lca: Float32Array, delta: Float64Array, offset: number, size: number, found: Float64Array): void
  /** The same of Σ lca, Σ before·delta, Σ after·delta, Σ before², Σ (after − before)²: [5]. */
  slopes(
    lca: Float32Array,
    before: Float64Array,
    after: Float64Array,
    delta: Float64Array,
    offset: number,
    size: number,
    found: Float64Array,
  ): void
  /** Of vectors a and b: Σ a·b, Σ a², Σ b², how many products are negative, and how many not 0: [5]. */
  compare(a: Float64Array, b: Float64Array, offset: number, size: number, found: Float64Array): void
  /** The same of a = theta − earlier, exact in float64, and b. */
  compareUpdates(
    earlier: Float32Array,
    theta: Float32Array,
    b: Float64Array,
    offset: number,
    size: number,
    found: Float64Array,
  ): void
  /** The last two of the five alone, of float32, whose products float64 holds. */
  compareSigns(a: Float32Array, b: Float32Array, offset: number, size: number, found: Float64Array): void
  /**
   * Adds negative values to `helping` and positive ones to `hurting`, by unit: those of a unit are `stride` in a row, and units
   * [first, first + units) take turns.
   */
  addUnits(
    values: Float32Array,
    offset: number,
    size: number,
    first: number,
    stride: number,
    units: number,
    helping: Float64Array,
    hurting: Float64Array,
  ): void
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

  sums(lca, delta, offset, size, found) {
    let helping = 0
    let hurting = 0
    let squared = 0
    let moved = 0
    let helped = 0
    let hurt = 0
    for (let i = offset; i < offset + size; i++) {
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
    found.set([helping, hurting, squared, moved, helped, hurt])
  },

  slopes(lca, before, after, delta, offset, size, found) {
    let total = 0
    let first = 0
    let end = 0
    let gradient = 0
    let gradientChange = 0
    for (let i = offset; i < offset + size; i++) {
      const change = after[i] - before[i]
      total += lca[i]
      first += before[i] * delta[i]
      end += after[i] * delta[i]
      gradient += before[i] * before[i]
      gradientChange += change * change
    }
    found.set([total, first, end, gradient, gradientChange])
  },

  compare(a, b, offset, size, found) {
    compareInto(found, offset, size, b, a)
  },

  compareUpdates(earlier, theta, b, offset, size, found) {
    compareInto(found, offset, size, b, theta, earlier)
  },

  compareSigns(a, b, offset, size, found) {
    let turned = 0
    let signed = 0
    for (let i = offset; i < offset + size; i++) {
      const product = a[i] * b[i]
      turned += Number(product < 0)
      signed += Number(product !== 0)
    }
    found[3] = turned
    found[4] = signed
  },

  addUnits(values, offset, size, first, stride, units, helping, hurting) {
    let unit = first
    let left = stride
    for (let i = offset; i < offset + size; i++) {
      const value = values[i]
      const magnitude = Math.abs(value)
      helping[unit] += 0.5 * (value - magnitude)
      hurting[unit] += 0.5 * (value + magnitude)
      if (--left > 0) continue
      left = stride
      if (++unit === first + units) unit = first
    }
  },
}

/** The five of compare, of a, less `minus` where that is given, and b. */
function compareInto(
  found: Float64Array,
  offset: number,
  size: number,
  b: Float64Array,
  a: Floats,
  minus?: Float32Array,
) {
  let dot = 0
  let before = 0
  let after = 0
  let turned = 0
  let signed = 0
  for (let i = offset; i < offset + size; i++) {
    const x = minus === undefined ? a[i] : a[i] - minus[i]
    const y = b[i]
    const product = x * y
    dot += product
    before += x * x
    after += y * y
    turned += Number(product < 0)
    signed += Number(product !== 0)
  }
  found.set([dot, before, after, turned, signed])
}

/** Those of this process; portable until native ones are loaded. */
export let hostLoops: HostLoops = portableLoops

export function useHostLoops(loops: HostLoops): void {
  hostLoops = loops
}
