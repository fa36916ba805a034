/**
 * Which classes each step was for. The loss is the mean over labels, L = Σ_c (n_c/n)·L_c with L_c the mean over those of class
 * c, and so is every allocation:
 *
 *     LCA^c_{t,i} = (n_c/n) · (∫_0^1 ∇L_c(θ_t + αΔ_t) dα)_i · Δ_{t,i},      Σ_c LCA^c = LCA
 *
 * by the quadrature and the parts that the step itself was allocated by. A step that helps may do so for some classes at
 * the cost of others.
 */
import type { Step } from '../allocate.ts'
import { integrate, makeSums, methods, newPoints, nextLevel, startSums } from '../quadrature.ts'
import type { Asked, Diagnostic, ReadFacts, Row } from './diagnostic.ts'

/** What is known of a step whose end is yet to come: its slopes at the start, and at the points of each level. */
type Begun = { iteration: number; start: Float64Array; levels: Float64Array[][] }

/** [classes, variables] summed over the variables of each layer: [layers, classes]. */
function byLayer(slopes: Float64Array, layerOf: number[], layers: number): Float64Array {
  const variables = layerOf.length
  const classes = slopes.length / variables
  const sums = new Float64Array(layers * classes)
  for (let c = 0; c < classes; c++)
    for (const [v, layer] of layerOf.entries()) sums[layer * classes + c] += slopes[c * variables + v]
  return sums
}

/** Groups that a row is of: each layer, or all. */
const groupsOf = ({ layers }: Pick<ReadFacts, 'layers'>, { by, layers: only }: Asked) => {
  const isIn = (layer: string) => only === undefined || only.includes(layer)
  const groups: (string | null)[] = by === 'network' ? [null] : layers.filter(isIn)
  const groupOf = layers.map(layer => (!isIn(layer) ? -1 : by === 'network' ? 0 : groups.indexOf(layer)))
  return { groups, groupOf }
}

export const classes: Diagnostic = {
  name: 'classes',
  description:
    'LCA of the loss of each class, weighted by its share of the labels: the classes sum to LCA. By the same quadrature, over chunks of one class; with batch norm, or several labels an example, over the chunks as they are, of which only the labels of the class count.',
  cost: 'asked',
  work: ({ iterations, segments, points, batchNorm, targets, classes }) => ({
    gradients: (points * iterations + segments) * (batchNorm || targets > 1 ? classes : 1),
    forwardPasses: 0,
  }),
  tables: [
    {
      kind: 'classes',
      of: 'iterations',
      expected: ({ iterations, layers, classes }) => iterations * layers * classes,
      rowBytes: 10,
    },
  ],

  follow({ network, splits, from, to, probes }) {
    const { layerOf, layers } = network
    const method = methods[probes.method]
    const made = splits.map(split => ({
      split,
      labels: probes.classes(split),
      begun: undefined as Begun | undefined,
      lca: new Float64Array((to - from) * layers.length * probes.classes(split).length),
    }))
    const slopesAt = async (
      split: Step['perSplit'][number]['split'],
      theta: Float32Array,
      along: Float64Array[],
    ) =>
      (await probes.classSlopes(split, theta, along)).map(slopes => byLayer(slopes, layerOf, layers.length))
    const finish = (one: (typeof made)[number], end: Float64Array) => {
      const { iteration, start, levels } = one.begun!
      const sums = makeSums(method, end.length)
      startSums(sums, start, end)
      for (const points of levels) {
        const level = nextLevel(sums)
        for (const slopes of points) for (let i = 0; i < level.length; i++) level[i] += slopes[i]
      }
      const into = one.lca.subarray((iteration - from) * end.length, (iteration - from + 1) * end.length)
      integrate(method, sums, start, end, into)
      one.begun = undefined
    }
    let last: Float64Array | undefined
    return {
      async step({ iteration, theta, delta, splits: parts }: Step) {
        const node = new Float32Array(theta.length)
        const at = (alpha: number) => {
          for (let i = 0; i < node.length; i++) node[i] = theta[i] + alpha * delta[i]
          return node
        }
        const depth = method.coefficients.length - 1 + Math.log2(parts)
        for (const one of made) {
          // The end of one step is the start of the next: its gradients are taken once for both.
          const [start, end] = await slopesAt(one.split, theta, one.begun && last ? [delta, last] : [delta])
          if (end !== undefined) finish(one, end)
          const levels: Float64Array[][] = []
          for (let level = 1; level <= depth; level++) {
            const points: Float64Array[] = []
            for (const alpha of newPoints(level))
              points.push(...(await slopesAt(one.split, at(alpha), [delta])))
            levels.push(points)
          }
          one.begun = { iteration, start, levels }
          if (iteration === to - 1) finish(one, (await slopesAt(one.split, at(1), [delta]))[0])
        }
        last ??= new Float64Array(delta.length)
        last.set(delta)
      },
      tables: () => ({
        classes: Object.fromEntries(
          made.map(({ split, labels, lca }) => [
            split,
            { lca, labels: Int32Array.from({ length: lca.length }, (_, i) => labels[i % labels.length]) },
          ]),
        ),
      }),
    }
  },

  view: {
    kind: 'rows',
    query: { by: ['layer', 'network'], layer: true, span: true, bucket: true },
    columns: [
      {
        name: 'iteration',
        type: 'int32',
        description: 'The iteration; with bucket=n the first of the span, a multiple of n.',
      },
      {
        name: 'iterations',
        type: 'int32',
        description: 'How many iterations are summed here: 1 without bucket.',
      },
      { name: 'layer', type: 'name', description: 'The layer’s name; null for the whole network.' },
      { name: 'class', type: 'int32', description: 'The class.' },
      { name: 'labels', type: 'int32', description: 'How many labels of the split are of it.' },
      {
        name: 'lca',
        type: 'float64',
        description: 'Σ LCA of the loss of the class, weighted by its share of the labels.',
      },
    ],
    async *rows(source, facts, asked) {
      const { groups, groupOf } = groupsOf(facts, asked)
      let iteration = Number.NaN
      let iterations = 0
      let sums: Float64Array | undefined
      let labels: ArrayLike<number> = []
      const take = (): Row[] =>
        groups.flatMap((layer, g) =>
          Array.from(labels, (count, c) => ({
            ...{ iteration, iterations, layer, class: c, labels: count },
            lca: sums![g * labels.length + c],
          })),
        )
      for await (const block of source('classes', asked)) {
        const width = block.rows / (block.to - block.from)
        const count = width / facts.layers.length
        for (let t = block.from; t < block.to; t++) {
          const span = Math.floor(t / asked.bucket) * asked.bucket
          if (span !== iteration) {
            if (sums !== undefined) yield take()
            iteration = span
            iterations = 0
            labels = block.columns.labels.slice(0, count)
            sums = new Float64Array(groups.length * count)
          }
          iterations++
          const start = (t - block.from) * width
          for (const [layer, g] of groupOf.entries())
            for (let c = 0; c < count && g >= 0; c++)
              sums![g * count + c] += block.columns.lca[start + layer * count + c]
        }
      }
      if (sums !== undefined) yield take()
    },
  },

  figures: [
    {
      name: 'conflict',
      description:
        '1 − |Σ LCA| / Σ |LCA^c|, of the network, over iterations and classes: 0 where all classes gain or lose together, 1 where what some gain others lose.',
    },
    { name: 'hurting', description: 'Fraction of (iteration, class) pairs in which the class’s loss grew.' },
  ],
  async summarise(source, facts) {
    let [net, gross, hurt, pairs] = [0, 0, 0, 0]
    const { layers } = facts
    for await (const block of source('classes', facts)) {
      const width = block.rows / (block.to - block.from)
      const count = width / layers.length
      for (let start = 0; start < block.rows; start += width) {
        let total = 0
        for (let c = 0; c < count; c++) {
          if (block.columns.labels[start + c] === 0) continue
          let sum = 0
          for (let layer = 0; layer < layers.length; layer++)
            sum += block.columns.lca[start + layer * count + c]
          total += sum
          gross += Math.abs(sum)
          if (sum > 0) hurt++
          pairs++
        }
        net += Math.abs(total)
      }
    }
    return { conflict: gross === 0 ? Number.NaN : 1 - net / gross, hurting: hurt / pairs }
  },
}
