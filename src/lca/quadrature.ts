/**
 * Composite quadrature of the gradient along a step, over n = 2^s splits, by Richardson extrapolation.
 *
 * Level k is the grid of 2^k intervals on [0, 1]. Its trapezoid sum is
 *
 *     T_k = 2^−k · R_k,   R_k = ½f(0) + ½f(1) + Σ_{0<j<2^k} f(j/2^k)
 *
 * and R_{k+1} = R_k + Σ_{odd j} f(j/2^{k+1}): doubling n computes the odd points only, and every gradient that was ever
 * computed stays in the sum. Every rule is a combination of the last few T_k (Romberg 1955; Davis and Rabinowitz,
 * Methods of Numerical Integration, §6.3), so no gradient has to be kept:
 *
 *     left       T_s + 2^−s·½(f(0) − f(1))
 *     trapezoid  T_s
 *     simpson    (4·T_{s+1} − T_s) / 3
 *     boole      (64·T_{s+2} − 20·T_{s+1} + T_s) / 45
 */
import { hostLoops } from '../host-loops.ts'
import type { MethodName } from '../spec/schema.ts'

export type Method = {
  /** Weights of T_s, T_{s+1}, … */
  coefficients: number[]
  /** Weight of 2^−s·½(f(0) − f(1)). */
  ends: number
  /** Highest degree of a loss along the step whose change is allocated without error. */
  degree: number
}

export const methods: Record<MethodName, Method> = {
  left: { coefficients: [1], ends: 1, degree: 1 },
  trapezoid: { coefficients: [1], ends: 0, degree: 2 },
  simpson: { coefficients: [-1 / 3, 4 / 3], ends: 0, degree: 4 },
  boole: { coefficients: [1 / 45, -20 / 45, 64 / 45], ends: 0, degree: 6 },
}

/** The points that level k adds to level k − 1: (2j + 1)/2^k. Level 0 is the two ends. */
export function newPoints(level: number): number[] {
  return Array.from({ length: 2 ** (level - 1) }, (_, j) => (2 * j + 1) / 2 ** level)
}

/** The last R_k of one integrand, float64 vectors, oldest first; `levels` of them are what the method combines. */
export type Sums = { level: number; levels: Float64Array[] }

/** Starts the sums of one step in `sums`, whose vectors are reused: R_0 = ½f(0) + ½f(1). */
export function startSums(sums: Sums, start: Float64Array, end: Float64Array): void {
  sums.level = 0
  const first = sums.levels[0]
  hostLoops.combine(first, 0.5, start, 0.5, end)
}

/** Room for the sums of a method over vectors of a length. */
export function makeSums(method: Method, length: number): Sums {
  return { level: 0, levels: method.coefficients.map(() => new Float64Array(length)) }
}

/**
 * Makes room for the next level: returns R_{k+1}, holding R_k, for the caller to add the gradients at newPoints(k + 1).
 * Forgets the oldest level where the method needs no more.
 */
export function nextLevel(sums: Sums): Float64Array {
  const { levels } = sums
  sums.level += 1
  if (sums.level < levels.length) {
    levels[sums.level].set(levels[sums.level - 1])
    return levels[sums.level]
  }
  if (levels.length > 1) {
    const oldest = levels.shift()!
    oldest.set(levels[levels.length - 1])
    levels.push(oldest)
  }
  return levels[levels.length - 1]
}

/**
 * ∫_0^1 f(α) dα into `integral`, once the sums have reached level s + (number of coefficients − 1), n = 2^s splits.
 */
export function integrate(
  method: Method,
  sums: Sums,
  start: Float64Array,
  end: Float64Array,
  integral: Float64Array,
): void {
  const s = sums.level - (method.coefficients.length - 1)
  const weights = method.coefficients.map((coefficient, j) => coefficient / 2 ** (s + j))
  const { levels } = sums
  // In one pass over memory, which costs more than the arithmetic; ½(f(0) − f(1)) where the method has it.
  const [a, b, c] = weights
  const [A, B, C] = levels
  const ends = method.ends / 2 ** (s + 1)
  const { length } = integral
  if (weights.length === 3) hostLoops.combine(integral, a, A, b, B, c, C)
  else if (weights.length === 2) hostLoops.combine(integral, a, A, b, B)
  else if (ends === 0) for (let i = 0; i < length; i++) integral[i] = a * A[i]
  else for (let i = 0; i < length; i++) integral[i] = a * A[i] + ends * (start[i] - end[i])
}
