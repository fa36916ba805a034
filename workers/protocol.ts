/**
 * What the queue worker and its compute child say to each other over IPC (structured clone: typed arrays travel as they
 * are). The worker owns the queue and Postgres; the child owns TensorFlow, the dataset and the tensors in storage. One
 * task at a time.
 */
import type { EngineDescription } from '../src/engine/description.ts'
import type { Tables } from '../src/lca/aggregate.ts'
import type { NeuronSums } from '../src/lca/neurons.ts'
import type { FieldError } from '../src/spec/errors.ts'
import type { VariableFacts } from '../src/spec/facts.ts'
import type { ResolvedSpec, SplitName } from '../src/spec/schema.ts'

export type { EngineDescription, Tables as SegmentTables }

export type Task =
  /** Writes weights/{from}-{to}.npy for every segment. */
  | { kind: 'train'; experimentId: string; spec: ResolvedSpec }
  /** Reads the weights of [from, to), writes allocations (where kept) and neurons of each split, returns the aggregates. */
  | { kind: 'allocate'; experimentId: string; spec: ResolvedSpec; from: number; to: number }
  /** Losses and accuracies at the first and the last weights. */
  | { kind: 'evaluate'; experimentId: string; spec: ResolvedSpec }

export type Request =
  | { type: 'run'; id: number; task: Task }
  /** The running task ends with error kind 'aborted' within one chunk. */
  | { type: 'abort' }

export type Reply =
  | { type: 'ready'; engine: EngineDescription }
  | { type: 'progress'; id: number; done: number; total: number }
  | { type: 'done'; id: number; result: Result }
  | { type: 'failed'; id: number; error: TaskFailure }

export type TaskFailure = {
  /** aborted: asked for. permanent: trying again cannot help (a missing dataset, a loss that is not finite). */
  kind: 'aborted' | 'permanent' | 'transient'
  message: string
  errors?: FieldError[]
}

export type StoredObject = { name: string; bytes: number; sha256: string; contentType: string }

export type Result =
  | { kind: 'train'; variables: VariableFacts[]; objects: StoredObject[]; seconds: number }
  | {
      kind: 'allocate'
      objects: StoredObject[]
      tables: Tables
      neurons: NeuronSums[]
      seconds: number
      gradients: number
    }
  | { kind: 'evaluate'; evaluations: Record<'initial' | 'final', Partial<Record<SplitName, Evaluation>>> }

export type Evaluation = { loss: number; accuracy: number }
