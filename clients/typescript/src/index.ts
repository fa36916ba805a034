/**
 * `loss-ledger-client`: the API from TypeScript or JavaScript, in Node or a browser. Its types are those of the API's
 * schemas; at run time it needs fetch and nothing else.
 *
 *     const ledger = connect({ url: 'http://127.0.0.1:3000' })
 *     const { id } = await ledger.submit({ dataset: …, architecture: …, optimizer: …, training: … })
 *     await ledger.wait(id)
 *     const { columns } = await ledger.allocations(id, { split: 'train', by: 'layer' })
 */
import { type EventsOptions, type LedgerEvent, type Status, streamEvents, streamStatuses } from './events.ts'
import { bytesOf, type Connection, makeHttp, type Query } from './http.ts'
import type {
  AllocationRow,
  AllocationsTable,
  Architecture,
  Artifact,
  ArtifactLink,
  BulkOutcome,
  ComparedLayerRow,
  ComparedLossRow,
  ComparedSpecRow,
  Comparison,
  ComparisonTable,
  CurvatureTable,
  Dataset,
  DatasetSamples,
  DiagnosticList,
  Experiment,
  ExperimentEdit,
  ExperimentListItem,
  ExperimentSpec,
  FindingList,
  IterationRow,
  IterationsTable,
  LayerRow,
  LayersTable,
  LogLine,
  NeuronRow,
  NeuronsTable,
  Preview,
  SeveralIterationRow,
  SeveralIterationsTable,
  Sweep,
  SweepListItem,
  SweepPredictors,
  SweepSpec,
  SweepSummary,
  SweepSummaryRow,
  Trajectory,
  Worker,
} from './schemas.ts'
import { columnsOf, parseNpy, type Table, type Tensor } from './tables.ts'
import { isFinished, lookAt, type WaitOptions, waitUntil } from './wait.ts'

export type { DecisionEvent, EventsOptions, IterationEvent, LedgerEvent, Status } from './events.ts'
export { ApiError, bytesOf, type Connection, UnreachableError } from './http.ts'
export type * from './schemas.ts'
export type { Columns, Table, Tensor } from './tables.ts'
export type { WaitOptions } from './wait.ts'
export { isFinished } from './wait.ts'

/** Images and labels as IDX or .npy files, or as one .npz, or CIFAR's binary files; each gzipped or not. */
export type DatasetFiles =
  | { images: Blob; labels: Blob; testImages?: Blob; testLabels?: Blob }
  | { train: Blob[]; test?: Blob[] }
  | { npz: Blob; testImages?: Blob; testLabels?: Blob }
export type DatasetOptions = {
  /** Labels are below it; if absent, as many as the labels show. */
  classes?: number
  /** Whether the channels of images are their last axis or their first. */
  layout?: 'nhwc' | 'nchw' | 'sequence'
  /** The files are CIFAR-100's, and these of their labels are meant. */
  cifar100?: 'fine' | 'coarse'
  /** What images hold: bytes from 0 to 255 if absent. */
  values?: 'bytes' | 'numbers' | 'tokens'
  /** What labels are: classes if absent. */
  targets?: 'classes' | 'numbers'
  /** Tokens are below it; if absent, the largest and one. */
  vocabulary?: number
  /** What the classes are called, in their order. */
  classNames?: string[]
}

type Head<T> = Omit<T, 'items'>
type Split = { split?: 'train' | 'validation' }
type By = { by?: 'layer' | 'variable' }
/** Iterations: the first, and the one to stop before. */
export type Span = { from?: number | undefined; to?: number | undefined }
type Once = {
  /** Posting the same key and body again answers with the same one. */
  idempotencyKey?: string
}
export type ListOptions = {
  status?: Experiment['status'][]
  /** Only these, 200 at most. */
  id?: string[]
  sweep?: string
  tag?: string[]
  /** What has to be true of them: 'status = succeeded and spec.optimizer.learningRate <= 0.1'. */
  where?: string
  /** A field, with - before it for the largest first: '-validationAccuracy'. */
  sort?: string
  /** Fields that `values` of each has. */
  field?: string[]
}

/** Experiments of one request of bulk(). */
const bulkSize = 200

/** Iterations are those of the common axis; `bucket`: so many of them are one row of the losses, their mean. */
export type CompareOptions = Split & Span & { bucket?: number }
type ComparedRows = { layers: ComparedLayerRow; losses: ComparedLossRow; specs: ComparedSpecRow }

/** A part of a path, of which an empty one would ask for something else. */
function named(id: string): string {
  if (typeof id !== 'string' || id === '') throw new TypeError(`an id is wanted, got ${JSON.stringify(id)}`)
  return encodeURIComponent(id)
}

export type LedgerClient = ReturnType<typeof connect>

/** A client of the API. Nothing is sent before a call. Throws TypeError where the URL can be none. */
export function connect(connection: Connection = {}) {
  const http = makeHttp(connection)
  const experiment = (id: string) => `/v1/experiments/${named(id)}`
  const artifact = (id: string, name: string) =>
    `${experiment(id)}/artifacts/${name.split('/').map(encodeURIComponent).join('/')}`
  const sweep = (id: string) => `/v1/sweeps/${named(id)}`
  const post = <T>(
    path: string,
    body?: unknown,
    { idempotencyKey }: Once = {},
    has: readonly (keyof T & string)[] = [],
  ) => http.json<T>(path, { method: 'POST', body, headers: { 'idempotency-key': idempotencyKey }, has })
  const remove = async (path: string) => void (await http.send(path, { method: 'DELETE' }))

  async function* pages<T>(path: string, query: Query = {}): AsyncGenerator<T> {
    for (let cursor: string | undefined; ; ) {
      const page = await http.json<{ items: T[]; nextCursor: string | null }>(path, {
        query: { limit: 200, ...query, cursor },
        has: ['items', 'nextCursor'],
      })
      yield* page.items
      if (page.nextCursor === null) return
      cursor = page.nextCursor
    }
  }
  const items = async <T>(path: string) => (await http.json<{ items: T[] }>(path, { has: ['items'] })).items
  const table = async <H, R extends object>(path: string, query: Query): Promise<Table<H, R>> =>
    columnsOf(await http.json<H & { items: R[] }>(path, { query, has: ['items'] }))

  return {
    /** The raw way in, for what has no method here. */
    http,

    submit: (spec: ExperimentSpec, once?: Once) => post<Experiment>('/v1/experiments', spec, once, ['id']),
    preview: (spec: ExperimentSpec) => post<Preview>('/v1/experiments/preview', spec),
    get: (id: string) => http.json<Experiment>(experiment(id), { has: ['id', 'status'] }),
    /** Newest first, or by `sort`, page after page. */
    list: (options: ListOptions = {}) => pages<ExperimentListItem>('/v1/experiments', options),
    cancel: (id: string) => post<Experiment>(`${experiment(id)}/cancel`),
    retry: (id: string) => post<Experiment>(`${experiment(id)}/retry`),
    /** Goes on until it has so many iterations in all, as if it had been posted with them. */
    extend: (id: string, iterations: number) => post<Experiment>(`${experiment(id)}/extend`, { iterations }),
    delete: (id: string) => remove(experiment(id)),
    /** Changes name, tags and notes; with `ifMatch` (an ETag) only where nobody has since. */
    edit: (id: string, edit: ExperimentEdit, { ifMatch }: { ifMatch?: string } = {}) =>
      http.json<Experiment>(experiment(id), {
        method: 'PATCH',
        body: edit,
        headers: { 'if-match': ifMatch },
      }),
    /** One thing done with any number of experiments: what became of each, in their order. */
    async bulk(
      action: 'cancel' | 'retry' | 'delete' | 'tag',
      ids: string[],
      tags?: Record<string, string | null>,
    ): Promise<BulkOutcome[]> {
      const done: BulkOutcome[] = []
      // As many at a time as are done before a connection gives up.
      for (let i = 0; i < ids.length; i += bulkSize)
        done.push(
          ...(
            await post<{ items: BulkOutcome[] }>('/v1/experiments/bulk', {
              ...{ action, ids: ids.slice(i, i + bulkSize) },
              ...(tags && { tags }),
            })
          ).items,
        )
      return done
    },
    /** What workers said of it, oldest first. */
    logs: (id: string) => pages<LogLine>(`${experiment(id)}/logs`),
    /** Resolves when the experiment has ended, well or not: look at its status. */
    wait: (id: string, options: WaitOptions<Experiment> = {}) =>
      waitUntil(lookAt(http, experiment(id)), ({ status }) => isFinished(status), options),
    /** What happens to it, as it happens, until it ends. */
    events: (id: string, options?: EventsOptions): AsyncGenerator<LedgerEvent> =>
      streamEvents(http, id, options),
    /** Where up to 100 of them are, now and whenever that changes, on one connection, until all have ended. */
    statuses: (ids: string[], options?: Omit<EventsOptions, 'lastEventId'>): AsyncGenerator<Status> =>
      streamStatuses(http, ids, options),

    layers: (id: string, query: Split & By = {}) =>
      table<Head<LayersTable>, LayerRow>(`${experiment(id)}/layers`, query),
    iterations: (id: string, query: Split & Span & { points?: number } = {}) =>
      table<Head<IterationsTable>, IterationRow>(`${experiment(id)}/iterations`, query),
    /** The same of up to 50 experiments, one after the other; the column `experiment` says whose. */
    iterationsOf: (ids: string[], query: Split & Span & { points?: number } = {}) =>
      table<Head<SeveralIterationsTable>, SeveralIterationRow>('/v1/experiments/iterations', {
        ...query,
        id: ids,
      }),
    allocations: (
      id: string,
      query: Split & By & Span & { layer?: string[]; bucket?: number; spans?: number } = {},
    ) => table<Head<AllocationsTable>, AllocationRow>(`${experiment(id)}/allocations`, query),
    neurons: (id: string, query: Split & { layer?: string[] } = {}) =>
      table<Head<NeuronsTable>, NeuronRow>(`${experiment(id)}/neurons`, query),

    /** Which diagnostics there are, what their columns mean, and which of them an experiment has. */
    diagnostics: async (id: string) =>
      (await http.json<DiagnosticList>(`${experiment(id)}/diagnostics`)).items,
    /** One of them as a table; `recorded` says whether the experiment has it. */
    diagnostic: (
      id: string,
      name: string,
      query: Split & Partial<Span> & { by?: string; layer?: string[]; bucket?: number } = {},
    ) =>
      table<Head<CurvatureTable>, Record<string, number | string | null>>(
        `${experiment(id)}/diagnostics/${encodeURIComponent(name)}`,
        query,
      ),

    /**
     * Experiments beside each other, 2 to 20, the others against the first: specs, where weights part, layers over the
     * iterations that all have, losses.
     */
    compare: (ids: string[], query: CompareOptions = {}) =>
      http.json<Comparison>('/v1/compare', { query: { ...query, experiments: ids.join(',') } }),
    /** One of the tables of a comparison. */
    comparedTable: <T extends keyof ComparedRows>(ids: string[], name: T, query: CompareOptions = {}) =>
      table<Head<ComparisonTable>, ComparedRows[T]>('/v1/compare', {
        ...query,
        ...{ experiments: ids.join(','), table: name },
      }),

    /** What can be said of it, what matters most first; `recorded`: whether it was looked at. */
    findings: (id: string) => http.json<FindingList>(`${experiment(id)}/findings`),

    /** Everything of it as one ZIP file, as it comes; with its raw tensors if asked for. */
    archive: (id: string, { tensors = false }: { tensors?: boolean } = {}) =>
      http.send(`${experiment(id)}/archive`, { query: { tensors: String(tensors) } }),
    artifacts: (id: string) => pages<Artifact>(`${experiment(id)}/artifacts`),
    /** The bytes of an artifact as they come; a span for joined tensors only. */
    download: (id: string, name: string, span?: Span) =>
      http.send(artifact(id, name), { query: { ...span } }),
    /**
     * A tensor of all segments, or of a span of iterations: weights.npy, allocations/train.npy, neurons/train.npy. Weights
     * have a row more than the others: before the first iteration, and after each. Or of one segment: weights/0-50.npy.
     */
    async tensor(id: string, name: string, span?: Span): Promise<Tensor> {
      const pieces: Uint8Array[] = []
      for await (const piece of bytesOf(await http.send(artifact(id, name), { query: { ...span } })))
        pieces.push(piece)
      return parseNpy(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer())
    },
    /** Where the bytes of an artifact are, for who downloads them otherwise; the key belongs there only if it says so. */
    link: (id: string, name: string, span?: Span) =>
      http.json<ArtifactLink>(artifact(id, name), { query: { ...span, link: 'true' } }),

    submitSweep: (spec: SweepSpec, once?: Once) => post<Sweep>('/v1/sweeps', spec, once, ['id']),
    getSweep: (id: string) => http.json<Sweep>(sweep(id)),
    listSweeps: () => pages<SweepListItem>('/v1/sweeps'),
    cancelSweep: (id: string) => post<Sweep>(`${sweep(id)}/cancel`),
    deleteSweep: (id: string) => remove(sweep(id)),
    waitForSweep: (id: string, options: WaitOptions<Sweep> = {}) =>
      waitUntil(
        (_, signal) => http.json<Sweep>(sweep(id), { signal }),
        ({ finished }) => finished,
        { interval: 2000, ...options },
      ),
    sweepSummary: (id: string, query: Split & { measure?: SweepSummaryRow['measure'] } = {}) =>
      table<Head<SweepSummary>, SweepSummaryRow>(`${sweep(id)}/summary`, query),
    /** What of the beginnings of its runs foretells where validation ends. */
    sweepPredictors: (id: string) => http.json<SweepPredictors>(`${sweep(id)}/predictors`),

    /** Labelled images under a name that specs can then use; a Blob may be a file that never is in memory whole. */
    uploadDataset: (name: string, files: DatasetFiles, options: DatasetOptions = {}) => {
      const form = new FormData()
      // Before the files, which are read by them; and a name that is taken is then refused before they are sent.
      for (const [field, value] of Object.entries({ name, ...options }))
        if (value !== undefined) form.set(field, Array.isArray(value) ? JSON.stringify(value) : String(value))
      for (const [field, blobs] of Object.entries(files))
        for (const blob of [blobs].flat()) if (blob) form.append(field, blob)
      return post<Dataset>('/v1/datasets', form)
    },
    dataset: (name: string) => http.json<Dataset>(`/v1/datasets/${encodeURIComponent(name)}`),
    /** Examples of each class, and how many there are of each. */
    datasetSamples: (name: string, query: { split?: 'train' | 'test'; n?: number } = {}) =>
      http.json<DatasetSamples>(`/v1/datasets/${encodeURIComponent(name)}/samples`, { query }),
    deleteDataset: (name: string) => remove(`/v1/datasets/${encodeURIComponent(name)}`),
    datasets: () => items<Dataset>('/v1/datasets'),

    /**
     * The weights of a training that happened elsewhere, as safetensors or .npz in any number of parts, one after the other.
     * `trajectory` says what they are of, as POST /v1/trajectories has it.
     */
    uploadTrajectory: (trajectory: object, parts: Blob[], probe?: Blob) => {
      const form = new FormData()
      // Before the files, which are read by it.
      form.set('trajectory', JSON.stringify(trajectory))
      for (const part of parts) form.append('part', part)
      if (probe) form.set('probe', probe)
      return post<Trajectory>('/v1/trajectories', form)
    },
    trajectory: (id: string) => http.json<Trajectory>(`/v1/trajectories/${encodeURIComponent(id)}`),
    trajectories: () => pages<Trajectory>('/v1/trajectories'),
    deleteTrajectory: (id: string) => remove(`/v1/trajectories/${encodeURIComponent(id)}`),

    /** What `architecture` of a spec can be, each with the JSON Schema of its options. */
    architectures: () => items<Architecture>('/v1/architectures'),
    /** The workers that live, and what they do. */
    workers: () => items<Worker>('/v1/workers'),
    /** What signs your webhooks, as libraries for Standard Webhooks take it. */
    webhookSecret: async () => (await http.json<{ secret: string }>('/v1/webhooks/secret')).secret,
  }
}
