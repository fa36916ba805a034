import assert from 'node:assert/strict'
import { test } from 'node:test'
import { integrate, makeSums, methods, newPoints, nextLevel, startSums } from '../src/lca/quadrature.ts'

/** ∫ f by a method over n = 2^s splits, through the same calls as the allocation's loop; counts the evaluations. */
function quadrature(name: keyof typeof methods, f: (alpha: number) => number, s: number) {
  const method = methods[name]
  let evaluations = 0
  const at = (alpha: number) => {
    evaluations += 1
    return f(alpha)
  }
  const start = Float64Array.of(at(0))
  const end = Float64Array.of(at(1))
  const sums = makeSums(method, 1)
  startSums(sums, start, end)
  while (sums.level < s + method.coefficients.length - 1) {
    const level = nextLevel(sums)
    for (const alpha of newPoints(sums.level)) level[0] += at(alpha)
  }
  const integral = new Float64Array(1)
  integrate(method, sums, start, end, integral)
  return { integral: integral[0], evaluations }
}

/** A loss of degree d along the step, its derivative, and the true change. */
const loss = (degree: number) => ({
  gradient: (alpha: number) => degree * (alpha - 0.3) ** (degree - 1),
  change: 0.7 ** degree - (-0.3) ** degree,
})

for (const [name, { degree }] of Object.entries(methods)) {
  test(`${name} allocates a loss of degree ${degree} exactly, and not one of degree ${degree + 1}`, () => {
    for (const s of [0, 1, 2, 3]) {
      for (let d = 1; d <= degree; d++) {
        const { gradient, change } = loss(d)
        const { integral } = quadrature(name as keyof typeof methods, gradient, s)
        assert.ok(
          Math.abs(integral - change) < 1e-15,
          `degree ${d}, ${2 ** s} splits: off by ${integral - change}`,
        )
      }
    }
    const { gradient, change } = loss(degree + 1)
    const { integral } = quadrature(name as keyof typeof methods, gradient, 0)
    assert.ok(Math.abs(integral - change) > 1e-4, 'the next degree should not be exact')
  })
}

test('the combinations are the textbook composite rules', () => {
  const f = (x: number) => Math.exp(2 * x) * Math.sin(3 * x)
  const weighted = (n: number, weights: number[]) => {
    const m = weights.length - 1
    let total = 0
    for (let split = 0; split < n; split++)
      for (let j = 0; j <= m; j++) total += (weights[j] * f((split + j / m) / n)) / n
    return total
  }
  for (const s of [0, 1, 4]) {
    const n = 2 ** s
    const close = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-13)
    close(quadrature('left', f, s).integral, weighted(n, [1, 0]))
    close(quadrature('trapezoid', f, s).integral, weighted(n, [1 / 2, 1 / 2]))
    close(quadrature('simpson', f, s).integral, weighted(n, [1 / 6, 4 / 6, 1 / 6]))
    close(
      quadrature('boole', f, s).integral,
      weighted(
        n,
        [7, 32, 12, 32, 7].map(w => w / 90),
      ),
    )
  }
})

test('doubling the splits computes the new points only', () => {
  for (const [name, { coefficients }] of Object.entries(methods))
    for (const s of [0, 1, 2, 5])
      assert.equal(
        quadrature(name as keyof typeof methods, Math.exp, s).evaluations,
        2 ** (s + coefficients.length - 1) + 1,
      )
})
