/**
 * How often events of two series of 0 and 1 fall on the same place, for every circular shift s of one against the other:
 *
 *     c_ab(s) = Σ_t a(t) · b((t + s) mod T)
 *
 * by the correlation theorem, conj(â)·b̂, with series padded to N ≥ 2T points so that nothing wraps around before it is
 * folded. Counts are whole numbers below 2²⁶ or so, which rounding finds exactly.
 */

/** Powers of two, N of them complex: the Fourier transform in place (Cooley and Tukey 1965, radix 2). */
function makeTransform(points: number) {
  const bits = Math.log2(points)
  const reversed = new Uint32Array(points)
  for (let i = 0; i < points; i++) reversed[i] = (reversed[i >> 1] >> 1) | ((i & 1) << (bits - 1))
  const cos = Float64Array.from({ length: points >> 1 }, (_, i) => Math.cos((2 * Math.PI * i) / points))
  const sin = Float64Array.from({ length: points >> 1 }, (_, i) => -Math.sin((2 * Math.PI * i) / points))
  return (re: Float64Array, im: Float64Array) => {
    for (let i = 0; i < points; i++) {
      const j = reversed[i]
      if (j <= i) continue
      const [x, y] = [re[i], im[i]]
      re[i] = re[j]
      im[i] = im[j]
      re[j] = x
      im[j] = y
    }
    for (let half = 1, stride = points >> 1; half < points; half *= 2, stride >>= 1)
      for (let start = 0; start < points; start += 2 * half)
        for (let i = start, k = 0; i < start + half; i++, k += stride) {
          const j = i + half
          const x = re[j] * cos[k] - im[j] * sin[k]
          const y = re[j] * sin[k] + im[j] * cos[k]
          re[j] = re[i] - x
          im[j] = im[i] - y
          re[i] += x
          im[i] += y
        }
  }
}

/** For series of T points: c_ab of any two of them, int32 [T], valid until the next; each is transformed when it is first used. */
export function circularCounts(series: Uint8Array[]): (a: number, b: number) => Int32Array {
  const points = series[0]?.length ?? 0
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * points)))
  const transform = makeTransform(size)
  const transformed: { re: Float64Array; im: Float64Array }[] = []
  const of = (index: number) => {
    if (transformed[index] === undefined) {
      const [re, im] = [new Float64Array(size), new Float64Array(size)]
      re.set(series[index])
      transform(re, im)
      transformed[index] = { re, im }
    }
    return transformed[index]
  }
  const re = new Float64Array(size)
  const im = new Float64Array(size)
  const counts = new Int32Array(points)
  return (a, b) => {
    const [x, y] = [of(a), of(b)]
    for (let k = 0; k < size; k++) {
      re[k] = x.re[k] * y.re[k] + x.im[k] * y.im[k]
      // Conjugated, so that transforming forwards is transforming back; of real series the result is real.
      im[k] = x.im[k] * y.re[k] - x.re[k] * y.im[k]
    }
    transform(re, im)
    for (let s = 0; s < points; s++)
      counts[s] = Math.round((re[s] + (s === 0 ? 0 : re[size - points + s])) / size)
    return counts
  }
}
