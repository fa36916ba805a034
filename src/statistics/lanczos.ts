/**
 * The largest eigenvalue of a symmetric matrix that is known by its products alone. After k products the matrix is, in the
 * space of the vectors q_1 … q_k that they span, tridiagonal: α_j = q_j·A·q_j, β_j = ‖r_j‖, r_j = A·q_j − α_j·q_j − β_{j−1}·q_{j−1}.
 */

export type Eigenpair = {
  value: number
  /** Of norm 1. */
  vector: Float64Array
  /** ‖A·u − λ·u‖ = β_k·|s_k|, s the eigenvector of the tridiagonal matrix. */
  residual: number
  products: number
  /** The Rayleigh quotient along the start. */
  first: number
}

/**
 * Begins along `start`, not 0, and makes each vector orthogonal to all before, twice. Ends when the residual is at most
 * `tolerance` · |λ|, after `mostProducts`, or when the space is all there is. `product` is given vectors of norm 1.
 */
export async function largestEigenpair(
  product: (v: Float64Array) => Promise<Float64Array>,
  start: ArrayLike<number>,
  { mostProducts, tolerance }: { mostProducts: number; tolerance: number },
): Promise<Eigenpair> {
  const n = start.length
  const basis: Float64Array[] = []
  const alpha: number[] = []
  const beta: number[] = []
  let next = scaled(start, 1 / norm(start))
  for (;;) {
    basis.push(next)
    const r = await product(next)
    alpha.push(dot(next, r))
    for (let again = 0; again < 2; again++)
      for (const q of basis) {
        const overlap = dot(q, r)
        for (let i = 0; i < n; i++) r[i] -= overlap * q[i]
      }
    const length = norm(r)
    const { value, vector: s } = largestOfTridiagonal(alpha, beta)
    const k = alpha.length
    const residual = length * Math.abs(s[k - 1])
    // What is left of an exhausted space is rounding.
    const isExhausted = k === n || length <= 1e-12 * Math.max(...alpha.map(Math.abs), ...beta)
    if (k >= mostProducts || residual <= tolerance * Math.abs(value) || isExhausted) {
      const vector = new Float64Array(n)
      for (const [j, q] of basis.entries()) for (let i = 0; i < n; i++) vector[i] += s[j] * q[i]
      return { value, vector: scaled(vector, 1 / norm(vector)), residual, products: k, first: alpha[0] }
    }
    beta.push(length)
    next = scaled(r, 1 / length)
  }
}

/**
 * Of the symmetric tridiagonal matrix with diagonal α and β beside it: by bisection on the number of eigenvalues above x
 * (Sturm's count: negative q_1 = α_1 − x, q_j = α_j − x − β_{j−1}²/q_{j−1}; Parlett §3.3), and inverse iteration.
 */
export function largestOfTridiagonal(alpha: number[], beta: number[]): { value: number; vector: number[] } {
  const k = alpha.length
  const reach = (j: number) => Math.abs(beta[j - 1] ?? 0) + Math.abs(beta[j] ?? 0)
  let low = Math.min(...alpha.map((a, j) => a - reach(j)))
  let high = Math.max(...alpha.map((a, j) => a + reach(j)))
  /** Whether all eigenvalues are below x. */
  const isAbove = (x: number) => {
    let q = 1
    for (let j = 0; j < k; j++) {
      q = alpha[j] - x - (j === 0 ? 0 : beta[j - 1] ** 2 / q)
      if (q >= 0) return false
    }
    return true
  }
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) break
    if (isAbove(middle)) high = middle
    else low = middle
  }
  // (T − x)·s = b twice, x just above λ, where T − x is negative definite and elimination needs no pivots.
  const scale = Math.max(Math.abs(low), Math.abs(high), ...beta, Number.MIN_VALUE)
  const x = high + 1e-14 * scale
  let s = new Array<number>(k).fill(1)
  for (let times = 0; times < 3; times++) {
    const q: number[] = []
    const y: number[] = []
    for (let j = 0; j < k; j++) {
      const over = j === 0 ? 0 : beta[j - 1] / q[j - 1]
      q.push(alpha[j] - x - (j === 0 ? 0 : over * beta[j - 1]))
      y.push(s[j] - (j === 0 ? 0 : over * y[j - 1]))
    }
    const solved = new Array<number>(k)
    for (let j = k - 1; j >= 0; j--) solved[j] = (y[j] - (j === k - 1 ? 0 : beta[j] * solved[j + 1])) / q[j]
    const length = norm(solved)
    s = solved.map(value => value / length)
  }
  return { value: high, vector: s }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
const norm = (a: ArrayLike<number>) => Math.sqrt(dot(a, a))
const scaled = (a: ArrayLike<number>, by: number) => Float64Array.from(a, value => value * by)
