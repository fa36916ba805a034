/** What a computation asks of native TensorFlow: operations dispatched, and what is copied between host and device. */
import * as tf from '@tensorflow/tfjs-core'

export type Counts = {
  operations: number
  /** Graphs that were run as a whole. */
  graphs: number
  /** Tensors copied to the host, and their bytes. */
  reads: number
  bytesRead: number
  /** Tensors copied to the device, and their bytes. */
  writes: number
  bytesWritten: number
  /** Of each operation, by TensorFlow's name of it. */
  byName: Record<string, number>
}

type Binding = {
  executeOp(name: string, ...rest: unknown[]): unknown
  tensorDataSync(id: number): { byteLength: number }
  createTensor(shape: number[], type: number, values: { byteLength: number }): number
  runSavedModel(...given: unknown[]): unknown
}

/** Runs `f` and counts; the backend must be tfjs-node's. */
export async function counting(f: () => Promise<unknown>): Promise<Counts> {
  const backend = tf.backend() as unknown as { binding: Binding }
  const { binding } = backend
  const counts: Counts = {
    ...{ operations: 0, graphs: 0, reads: 0, bytesRead: 0, writes: 0, bytesWritten: 0, byName: {} },
  }
  const counted: Binding = {
    executeOp(name, ...rest) {
      counts.operations += 1
      counts.byName[name] = (counts.byName[name] ?? 0) + 1
      return binding.executeOp(name, ...rest)
    },
    runSavedModel(...given) {
      counts.graphs += 1
      return binding.runSavedModel(...given)
    },
    tensorDataSync(id) {
      const values = binding.tensorDataSync(id)
      counts.reads += 1
      counts.bytesRead += values.byteLength
      return values
    },
    createTensor(shape, type, values) {
      counts.writes += 1
      counts.bytesWritten += values.byteLength
      return binding.createTensor(shape, type, values)
    },
  }
  // The binding's own properties cannot be written.
  backend.binding = Object.create(binding, Object.getOwnPropertyDescriptors(counted))
  try {
    await f()
  } finally {
    backend.binding = binding
  }
  return counts
}
