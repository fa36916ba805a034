/** Which unit or channel a parameter belongs to, and what the consumer makes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SplitStep } from '../src/lca/allocate.ts'
import { makeNeurons } from '../src/lca/neurons.ts'
import { buildNetwork } from '../src/nn/network.ts'
import { facts } from '../src/plan.ts'
import { resolveSpec } from '../src/spec/resolve.ts'
import type { ArchitectureSpec, ResolvedCustomLayer } from '../src/spec/schema.ts'
import { layerUnits } from '../src/spec/units.ts'

const network = (...entries: [name: string, shape: number[]][]) => {
  let offset = 0
  return entries.map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    offset += size
    return { name, layer: name.slice(0, name.lastIndexOf('/')), shape, size, offset: offset - size }
  })
}
const variables = network(
  ['conv_1/kernel', [3, 3, 2, 4]],
  ['bn_1/gamma', [4]],
  ['bn_1/beta', [4]],
  ['depthwise_1/kernel', [3, 3, 4, 1]],
  ['block_1/shortcut_depthwise_1/kernel', [3, 3, 4, 1]],
  ['block_1/shortcut_depthwise_1/bias', [4]],
  ['one/kernel', [1, 1, 4, 1]],
  ['one/bias', [1]],
  ['fc_1/kernel', [5, 3]],
  ['fc_1/bias', [3]],
)

test('units of dense, convolution, batch norm and depthwise layers', () => {
  assert.deepEqual(layerUnits(variables), [
    { layer: 'conv_1', offset: 0, units: 4, parameters: 18 },
    { layer: 'bn_1', offset: 4, units: 4, parameters: 2 },
    { layer: 'depthwise_1', offset: 8, units: 4, parameters: 9 },
    { layer: 'block_1/shortcut_depthwise_1', offset: 12, units: 4, parameters: 10 },
    { layer: 'one', offset: 16, units: 1, parameters: 5 },
    { layer: 'fc_1', offset: 17, units: 3, parameters: 6 },
  ])
  assert.throws(() => layerUnits(network(['x/kernel', [3, 5]], ['x/bias', [4]])), /does not divide/)
  assert.deepEqual(layerUnits([]), [])
})

test('a convolution with one filter is one unit, however it is made; a depthwise one has a unit a channel', () => {
  const unitsOf = (architecture: ArchitectureSpec) => {
    const { architecture: resolved } = resolveSpec(
      {
        dataset: { name: 'cifar-10' },
        architecture,
        optimizer: { name: 'sgd' },
        training: { iterations: 1 },
      },
      facts,
    )
    const { variables } = buildNetwork(resolved, { shape: [32, 32, 3], classes: 10 })
    return layerUnits(variables).map(({ layer, units, parameters }) => [layer, units, parameters])
  }
  const narrow = unitsOf({ name: 'resnet', depth: 8, widthFactors: [0.01, 1, 1] })
  // 16 channels in, one between the two convolutions, 16 out.
  assert.deepEqual(
    narrow.filter(([layer]) => String(layer).startsWith('block1a/')),
    [
      ['block1a/conv_1', 1, 3 * 3 * 16],
      ['block1a/bn_1', 1, 2],
      ['block1a/conv_2', 16, 3 * 3 * 1],
      ['block1a/bn_2', 16, 2],
    ],
  )
  const depthwise = { kind: 'depthwise_conv2d', bias: false } as const
  assert.deepEqual(
    unitsOf({
      name: 'custom',
      layers: [
        depthwise,
        { kind: 'residual', layers: [depthwise], shortcut: [depthwise] },
        { kind: 'conv2d', filters: 1, bias: false },
        { kind: 'flatten' },
        { kind: 'dense', units: 10 },
      ],
    }),
    [
      ['depthwise_1', 3, 9],
      ['block_1/depthwise_1', 3, 9],
      ['block_1/shortcut_depthwise_1', 3, 9],
      ['conv_1', 1, 3 * 3 * 3],
      ['fc_1', 10, 1025],
    ],
  )
})

test('every allocation is counted once, for the last axis of its variable', () => {
  const parameters = variables.reduce((sum, { size }) => sum + size, 0)
  const neurons = makeNeurons(variables, ['train'])
  assert.equal(neurons.units, 20)
  // Sixteenths: exact in any order.
  const lcaOf = (t: number) =>
    Float32Array.from({ length: parameters }, (_, i) => (((i * 7 + t) % 11) - 5) / 16)
  const rows = [0, 1, 2].map(t => {
    const perSplit = [{ split: 'train', lca: lcaOf(t) } as SplitStep]
    return [
      ...neurons.step({
        iteration: t,
        theta: new Float32Array(),
        delta: new Float64Array(),
        splits: 1,
        perSplit,
      })[0],
    ]
  })
  const expected = [0, 1, 2].map(t => {
    const units = new Array<number>(20).fill(0)
    for (const { layer, shape, offset, size } of variables) {
      const { offset: first, units: count } = layerUnits(variables).find(one => one.layer === layer)!
      // By the coordinates of the element, not by i mod units.
      for (let i = 0; i < size; i++) {
        const last = i % shape[shape.length - 1]
        const channel = Math.floor(i / shape[shape.length - 1]) % (shape[2] ?? 1)
        units[first + (count === shape[shape.length - 1] ? last : channel)] += lcaOf(t)[offset + i]
      }
    }
    return units
  })
  assert.deepEqual(rows, expected)
  const { lca, helping, hurting } = neurons.columns[0].columns
  assert.deepEqual(
    [...lca],
    expected[0].map((_, u) => expected[0][u] + expected[1][u] + expected[2][u]),
  )
  assert.deepEqual(
    [...lca],
    [...helping].map((value, u) => value + hurting[u]),
  )
})

test('the units of attention are its heads, and last the bias that they share', () => {
  for (const bias of [true, false]) {
    const layer = { kind: 'multi_head_attention', heads: 3, headSize: 2, causal: false, bias } as const
    const layers: ResolvedCustomLayer[] = [
      { kind: 'image_to_sequence' },
      layer,
      { kind: 'mean_over_tokens' },
      { kind: 'dense', units: 10 },
    ]
    const { variables } = buildNetwork({ name: 'custom', layers }, { shape: [2, 2, 5], classes: 10 })
    const [attention] = layerUnits(variables)
    const each = 4 * 5 * 2 + (bias ? 3 * 2 : 0)
    assert.deepEqual(attention, {
      ...{ layer: 'attention_1', offset: 0, units: bias ? 4 : 3, parameters: each },
      ...(bias && { shared: 5 }),
    })
    const size = variables.reduce((sum, variable) => sum + variable.size, 0)
    const lca = Float32Array.from({ length: size }, (_, i) => ((i * 7) % 11) - 5)
    const expected = new Array<number>(attention.units).fill(0)
    for (const { name, shape, offset, size } of variables.filter(({ layer }) => layer === 'attention_1'))
      for (let i = 0; i < size; i++) {
        // By the coordinates of the element: [c, heads, size], [heads, size], [heads, size, c] or [c].
        const role = name.split('/')[1]
        const [a, b] = shape.slice(-2)
        const head = role === 'output_kernel' ? Math.floor(i / (a * b)) : Math.floor(i / b) % a
        expected[role === 'output_bias' ? 3 : head] += lca[offset + i]
      }
    const neurons = makeNeurons(variables, ['train'])
    const perSplit = [{ split: 'train', lca } as SplitStep]
    const [row] = neurons.step({
      ...{ iteration: 0, theta: new Float32Array(), delta: new Float64Array(), splits: 1, perSplit },
    })
    assert.deepEqual([...row.subarray(0, attention.units)], expected)
  }
})
