/** The standard errors of what a sample of a split says: unbiased, and as wide as the truth is far. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSplits } from '../src/data/registry.ts'
import { drawSample } from '../src/data/select.ts'
import { loadEngine } from '../src/engine/engine.ts'
import { allocate } from '../src/lca/allocate.ts'
import { makeModel, uploadSplit } from '../src/nn/model.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { randomStream } from '../src/nn/random.ts'
import { groupSums, standardError } from '../src/statistics/random-groups.ts'
import { studentQuantile } from '../src/statistics/student.ts'

/** Every way to draw `n` of the values in order. */
function* draws(values: number[], n: number): Generator<number[]> {
  if (n === 0) yield []
  else
    for (const [i, first] of values.entries())
      for (const rest of draws(values.toSpliced(i, 1), n - 1)) yield [first, ...rest]
}

const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

for (const examples of [
  [2, 2],
  [1, 1, 1, 1],
  [2, 2, 1],
  [3, 1],
])
  test(`over all samples the squared error is the variance of the sample's mean, groups of ${examples}`, () => {
    const population = [3, -1, 4, 1, -5, 9]
    const n = examples.reduce((sum, m) => sum + m)
    const truth = meanOf(population)
    let [variance, estimated, count] = [0, 0, 0]
    for (const sample of draws(population, n)) {
      let start = 0
      const means = examples.map(m => {
        start += m
        return meanOf(sample.slice(start - m, start))
      })
      variance += (meanOf(sample) - truth) ** 2
      estimated += standardError(means, { examples, of: population.length }) ** 2
      count++
    }
    assert.ok(Math.abs(estimated / variance - 1) < 1e-12, `${estimated / count} for ${variance / count}`)
  })

test('groups that are all there is have no error, and of one group nothing is known', () => {
  assert.equal(standardError([1, 5, 3], { examples: [2, 2, 2], of: 6 }), 0)
  assert.ok(Number.isNaN(standardError([1], { examples: [2], of: 6 })))
})

test('95 % of the intervals hold what the whole split has, iteration by iteration and over the run', async () => {
  const [N, n, chunk] = [400, 100, 5]
  const dataset = { name: 'synthetic-digits', trainExamples: N, validationExamples: 0, seed: 5 }
  const { train: data } = await loadSplits(dataset, { directory: '/nowhere' })
  const network = buildNetwork({ name: 'fc', hidden: [6] }, data)
  const model = makeModel(network, (await loadEngine({})).kernels)
  const stream = randomStream('weights of this test')
  const [theta, direction] = [0.1, -0.02].map(scale =>
    Float32Array.from({ length: network.parameters }, () => scale * stream.normal()),
  )
  const weightsAt = async (t: number) => theta.map((w, i) => w + t * direction[i])
  // Every example a chunk of its own, of a split that is said to be larger: so each one's allocations are known, and
  // those of any sample are their means.
  const each = { ...uploadSplit(data, 1), of: N + 1 }
  const options = { method: 'trapezoid', maxError: 1e6, maxSplits: 1, from: 0, to: 2 } as const
  const steps: Float64Array[] = []
  for await (const { perSplit } of allocate(model, { train: each }, weightsAt, options))
    steps.push(perSplit[0].chunkLca!.slice())

  const sampled = async (indices: Uint32Array) => {
    const found: Float64Array[] = []
    const device = { train: uploadSplit(data, chunk, indices) }
    for await (const { perSplit } of allocate(model, device, weightsAt, options))
      found.push(perSplit[0].chunkLca!.slice())
    return found
  }
  /** What the chunks of a sample have: the means of their examples, [variables, chunks]. */
  const expected = (values: Float64Array, indices: Uint32Array) => {
    const chunks = n / chunk
    const means = new Float64Array(network.variables.length * chunks)
    for (const [i, example] of indices.entries())
      for (let v = 0; v < network.variables.length; v++)
        means[v * chunks + Math.floor(i / chunk)] += values[v * N + example] / chunk
    return means
  }
  const sampleBy = (seed: number) => drawSample({ examples: n, of: N }, [seed, 'train'])
  for (const [t, found] of (await sampled(sampleBy(7))).entries())
    for (const [i, value] of expected(steps[t], sampleBy(7)).entries())
      assert.ok(Math.abs(found[i] - value) < 1e-6 * (1 + Math.abs(value)), `${found[i]} for ${value}`)

  const { layers, variables } = network
  const layerOf = variables.map(({ layer }) => layers.indexOf(layer))
  const run = steps[0].map((value, i) => value + steps[1][i])
  const seeds = 2000
  const chunks = n / chunk
  const quantile = studentQuantile(0.95, chunks - 1)
  for (const [what, values] of Object.entries({ first: steps[0], second: steps[1], run })) {
    const truth = groupSums(values, N, layerOf, layers.length)
    const covered = new Float64Array(layers.length + 1)
    for (let seed = 0; seed < seeds; seed++) {
      const sums = groupSums(expected(values, sampleBy(seed)), chunks, layerOf, layers.length)
      for (let layer = 0; layer <= layers.length; layer++) {
        const means = sums.subarray(layer * chunks, (layer + 1) * chunks)
        const error = standardError(means, { examples: new Array(chunks).fill(chunk), of: N })
        const whole = meanOf([...truth.subarray(layer * N, (layer + 1) * N)])
        if (Math.abs(meanOf([...means]) - whole) <= quantile * error) covered[layer]++
      }
    }
    // Four binomial deviations of 2,000 tries: 0.5 % each.
    for (const [layer, count] of covered.entries())
      assert.ok(
        Math.abs(count / seeds - 0.95) < 0.02,
        `${what}, ${layers[layer] ?? 'network'}: ${count} of ${seeds}`,
      )
  }
})
