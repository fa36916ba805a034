/**
 * What the queue worker and its compute child say to each other over IPC (structured clone: typed arrays travel as they
 * are). The worker owns the queue and Postgres; the child owns TensorFlow, the dataset and the tensors in storage. One
 * task at a time.
 */
import type { DownloadProgress } from '../src/data/download.ts'
import type { EngineDescription } from '../src/engine/description.ts'
import type { SegmentColumns } from '../src/lca/columns.ts'
import type { Evaluation } from '../src/lca/ends.ts'
import type { Known } from '../src/objects/verify.ts'
import type { FieldError } from '../src/spec/errors.ts'
import type { VariableFacts } from '../src/spec/facts.ts'
import type { ResolvedSpec } from '../src/spec/schema.ts'
import type { Upload } from '../src/store/datasets.ts'
import type { Trajectory } from '../src/store/trajectories.ts'

export type { EngineDescription }

type Work =
  /**
   * Writes weights/{from}-{to}.npy of these segments (indices, ascending), from as late a point as is stored. `continues`: the
   * weights of the segment before the first of them, where that is done already and they are to go on from it.
   */
  | { kind: 'train'; experimentId: string; spec: ResolvedSpec; segments: number[]; continues?: Known }
  /** Reads the weights of [from, to), writes allocations (where kept) and neurons of each split, returns the aggregates. */
  | { kind: 'allocate'; experimentId: string; spec: ResolvedSpec; from: number; to: number }

/**
 * `upload`: the dataset of the spec, where it is an uploaded one. `known`: the object that is read first, as it was
 * written: to allocate, the segment's weights; to train, the manifest of the experiment in training.initial.
 * `manifest`: that, to allocate what asks for the training (`asksTraining` of diagnostics). `trajectory`: to train, what is read instead; to allocate
 * what asks for the training, too.
 * `ancestors`: where training goes on with that one's (training.initial.state), it, the one that it goes on with, and so on.
 */
export type Task = Work & {
  upload?: Upload
  known?: Known
  manifest?: Known
  ancestors?: Ancestor[]
  trajectory?: Trajectory
}

/** An experiment whose training another goes on with; `known`: the manifest of the one in its own training.initial. */
export type Ancestor = { id: string; spec: ResolvedSpec; upload?: Upload; known?: Known }

export type Request =
  | { type: 'run'; id: number; task: Task }
  /** The running task ends with error kind 'aborted' within one chunk. */
  | { type: 'abort' }

export type Reply =
  | { type: 'ready'; engine: EngineDescription }
  | { type: 'progress'; id: number; done: number; total: number; stored?: StoredSegment }
  | { type: 'download'; id: number; progress: DownloadProgress }
  | { type: 'done'; id: number; result: Result }
  | { type: 'failed'; id: number; error: TaskFailure }

export type TaskFailure = {
  /**
   * aborted: asked for. permanent: trying again cannot help (a missing dataset, a loss that is not finite). missing:
   * weights that were stored are not there any more, or are not what was stored.
   */
  kind: 'aborted' | 'permanent' | 'missing' | 'transient'
  message: string
  errors?: FieldError[]
}

/** A segment whose weights are stored, told while the rest is still being trained. */
export type StoredSegment = { index: number; object: StoredObject }

export type StoredObject = { name: string; bytes: number; sha256: string; contentType: string }

export type Result =
  | {
      kind: 'train'
      variables: VariableFacts[]
      objects: StoredObject[]
      /** What was found damaged on the way and made again, in words. */
      damaged?: string[]
      /** After which iterations a policy ended training, where that was before it had all. */
      ended?: number
      seconds: number
    }
  | {
      kind: 'allocate'
      objects: StoredObject[]
      /** The aggregates, and whatever else was computed of the segment for Postgres. */
      columns: SegmentColumns[]
      /** Of the first and the last weights, where they bound the segment. */
      evaluations: Evaluation[]
      seconds: number
      /** Full-split gradients, and the examples that went through them. */
      gradients: number
      examples: number
    }
