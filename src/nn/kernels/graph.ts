/**
 * A computation as one graph of native TensorFlow, in the place of an operation after the other.
 *
 * Each operation that is run by itself costs some 30 µs on its way from here to its kernel, and a buffer that is mapped and
 * faulted in anew. A graph costs that once: its optimizer fuses what it knows how to, its executor frees and reuses buffers.
 * It is made by running the computation once and noting what the binding is asked for, so networks and operations know
 * nothing of it, and whatever can be run can be recorded. What it computes differs from the operations one by one in the last
 * bits alone: where the optimizer puts one kernel for two.
 */
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Graph } from './kernels.ts'
import type { Attribute, NativeBackend, Output } from './native-backend.ts'
import { loadGraph, type Node } from './saved-model.ts'

/**
 * Records what `f` makes of `inputs`, which must depend on their values through operations alone: not on what is read
 * to the host, which throws, as does a tensor from elsewhere. f's results are given back in `run`'s order.
 */
export function recordGraph(backend: NativeBackend, inputs: Tensor[], f: () => Tensor[]): Graph {
  const { binding } = backend
  const nodes: Node[] = []
  /** What an edge is called by the binding's number of its tensor, which is never given to another. */
  const edges = new Map<number, string>()
  const type = (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value })

  const names = inputs.map((_, i) => `input${i}`)
  backend.getInputTensorIds(inputs).forEach((id, i) => {
    const attributes = [
      type('dtype', inputs[i].dtype === 'int32' ? binding.TF_INT32 : binding.TF_FLOAT),
      { name: 'shape', type: binding.TF_ATTR_SHAPE, value: inputs[i].shape },
    ]
    edges.set(id, names[i])
    nodes.push({ name: names[i], operation: 'Placeholder', inputs: [], attributes })
  })
  const edgeOf = (id: number, of: string) => {
    const edge = edges.get(id)
    if (edge === undefined)
      throw new Error(`a graph is made of its inputs alone, and ${of} takes a tensor from elsewhere`)
    return edge
  }
  const recorder = {
    executeOp(operation: string, attributes: Attribute[], ids: number[], count: number): Output[] {
      const name = `node${nodes.length}`
      const from = ids.map(id => edgeOf(id, operation))
      const outputs = binding.executeOp(operation, attributes, ids, count)
      const inferred = inferredTypes[operation]?.(outputs[0].dtype, binding.TF_INT32) ?? {}
      nodes.push({
        ...{ name, operation, inputs: from },
        attributes: [...attributes, ...Object.entries(inferred).map(([name, value]) => type(name, value))],
      })
      outputs.forEach(({ id }, k) => {
        edges.set(id, k === 0 ? name : `${name}:${k}`)
      })
      return outputs
    },
    createTensor(shape: number[], dtype: number, values: ArrayBufferView): number {
      const id = binding.createTensor(shape, dtype, values)
      const name = `node${nodes.length}`
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice()
      const constant = { type: dtype, shape, bytes }
      nodes.push({ name, operation: 'Const', inputs: [], attributes: [type('dtype', dtype)], constant })
      edges.set(id, name)
      return id
    },
    tensorDataSync(): never {
      throw new Error('a graph cannot depend on values that are read to the host on the way')
    },
  }

  // The binding's own properties cannot be written.
  backend.binding = Object.create(binding, Object.getOwnPropertyDescriptors(recorder))
  let outputs: string[]
  try {
    outputs = backend.getInputTensorIds(f()).map(id => edgeOf(id, 'its result'))
  } finally {
    backend.binding = binding
  }
  const session = loadGraph(backend, nodes)
  const fetched = outputs.map(name => (name.includes(':') ? name : `${name}:0`))
  const fed = names.map(name => `${name}:0`).join()
  return {
    run: given =>
      backend.binding
        .runSavedModel(session, backend.getInputTensorIds(given), fed, fetched.join())
        .map(output => backend.createOutputTensor(output)),
    dispose: () => backend.deleteSavedModel(session),
  }
}

/** Types that tfjs-node leaves for TensorFlow to see from the inputs, which in a graph have to be said. */
const inferredTypes: Record<string, (type: number, int32: number) => Record<string, number>> = {
  ExpandDims: (T, Tdim) => ({ T, Tdim }),
}
