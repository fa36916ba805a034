/** What diagnostics read of a run that was computed in this process, and the run as a float64 reference sees it. */
import { loadSplits } from '../../src/data/registry.ts'
import type { Columns } from '../../src/lca/columns.ts'
import type {
  Asked,
  Diagnostic,
  ReadFacts,
  Row,
  Source,
  StoredBlock,
} from '../../src/lca/diagnostics/diagnostic.ts'
import { networkOf, seamVectors } from '../../src/lca/diagnostics/follow.ts'
import { allocationsName, seamsName, weightsName } from '../../src/objects/names.ts'
import { facts } from '../../src/plan.ts'
import { recordedBy } from '../../src/spec/recording.ts'
import type { SplitName } from '../../src/spec/schema.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import type { Run } from './experiment.ts'

/** The network of a run, a split of it, and the options of a diagnostic. */
export function factsOf({ spec }: Run, split: SplitName, diagnostic?: Diagnostic): ReadFacts {
  const dataset = facts.datasets.find(({ name }) => name === spec.dataset.name)!
  const { iterations } = spec.training
  const options = recordedBy(spec).find(one => one.diagnostic === diagnostic)?.options
  const network = networkOf(facts.network(spec.architecture, dataset).variables)
  return { ...network, split, iterations, from: 0, to: iterations, options }
}

/** The tables of a run's split, those of the whole run joined as finalize does. */
export function sourceOf(run: Run, split: SplitName): Source {
  return async function* (kind, span = { from: 0, to: run.spec.training.iterations }) {
    const joined = joinedTable(run, split, kind)
    if (joined !== undefined) {
      yield { from: 0, to: run.spec.training.iterations, rows: rowsOf(joined), columns: joined }
      return
    }
    for (const { from, to, columns: tables } of run.segments) {
      const table = tables.find(one => one.kind === kind && one.split === split)
      if (table === undefined || to <= span.from || from >= span.to) continue
      const block = { from, to, rows: rowsOf(table.columns), columns: table.columns }
      yield table.of === 'segment' ? block : cut(block, span)
    }
  }
}

const rowsOf = (columns: Columns) => Object.values(columns)[0].length

function cut(block: StoredBlock, span: { from: number; to: number }): StoredBlock {
  const [from, to] = [Math.max(block.from, span.from), Math.min(block.to, span.to)]
  const each = block.rows / (block.to - block.from)
  const rows = [(from - block.from) * each, (to - block.from) * each] as const
  const columns = Object.entries(block.columns).map(([name, values]) => [name, values.subarray(...rows)])
  return { from, to, rows: rows[1] - rows[0], columns: Object.fromEntries(columns) }
}

function joinedTable(run: Run, split: SplitName, kind: string): Columns | undefined {
  const asked = recordedBy(run.spec)
  const found = asked.find(({ diagnostic }) => diagnostic.seams?.kind === kind)
  if (found === undefined) return undefined
  const read = factsOf(run, split, found.diagnostic)
  const joiner = found.diagnostic.seams!.join(read)
  for (const segment of segmentsOf(run.spec)) {
    const floats = run.floats(seamsName(split, segment))
    const vectors = seamVectors(asked).flatMap(({ diagnostic, vector }, row) => {
      const { parameters } = read
      const own = floats.slice(row * parameters, (row + 1) * parameters)
      return diagnostic === found.diagnostic ? [[vector, own] as const] : []
    })
    joiner.add({ ...segment, vectors: Object.fromEntries(vectors) })
  }
  return joiner.columns()
}

/** What steps are made of where a diagnostic looks at nothing else: zeros where it is not said. */
export type FakeStep = { lca?: Float32Array; gradient?: Float64Array }

/** The tables that a diagnostic makes of such steps of the train split, cut into segments, and what it is told of them. */
export async function followed(
  diagnostic: Diagnostic,
  variables: { name: string; layer: string; shape: number[]; offset: number; size: number }[],
  steps: FakeStep[],
  segmentIterations = steps.length,
): Promise<{ source: Source; facts: ReadFacts }> {
  const network = networkOf(variables)
  const iterations = steps.length
  const facts: ReadFacts = {
    ...network,
    ...{ split: 'train', iterations, from: 0, to: iterations, options: {} },
  }
  const blocks: (StoredBlock & { kind: string })[] = []
  const joiner = diagnostic.seams?.join(facts)
  for (let from = 0; from < iterations; from += segmentIterations) {
    const to = Math.min(iterations, from + segmentIterations)
    const follower = diagnostic.follow!({
      ...{ network, splits: ['train'], from, to, iterations, options: {} },
      ...{ probes: undefined as never, signal: new AbortController().signal },
    })
    for (let iteration = from; iteration < to; iteration++) {
      const { lca = new Float32Array(network.parameters), gradient } = steps[iteration]
      const zeros = new Float64Array(network.parameters)
      await follower.step({
        ...{ iteration, theta: new Float32Array(network.parameters), delta: zeros, splits: 1 },
        perSplit: [
          {
            ...{ split: 'train', lossBefore: 0, lossAfter: 0, residual: 0 },
            ...{ gradientBefore: gradient ?? zeros, gradientAfter: zeros, meanGradient: zeros, lca },
          },
        ],
      })
    }
    for (const [kind, { train }] of Object.entries(follower.tables()))
      blocks.push({ kind, from, to, rows: rowsOf(train!), columns: train! })
    joiner?.add({ from, to, vectors: follower.seams!().train! })
  }
  if (joiner) {
    const columns = joiner.columns()
    blocks.push({ kind: diagnostic.seams!.kind, from: 0, to: iterations, rows: rowsOf(columns), columns })
  }
  const source: Source = async function* (wanted, { from, to } = { from: 0, to: iterations }) {
    for (const { kind, ...block } of blocks)
      if (kind === wanted && block.to > from && block.from < to) yield block
  }
  return { source, facts }
}

/** The rows of a diagnostic of kind `rows`, over a span of the run or all of it. */
export async function rowsRead(
  { view }: Diagnostic,
  { source, facts }: { source: Source; facts: ReadFacts },
  asked: Partial<Asked> = {},
): Promise<Row[]> {
  if (view.kind !== 'rows') throw new Error('it is sums')
  const whole: Asked = {
    ...{ by: view.query.by?.[0] ?? 'network', layers: undefined, from: 0, to: facts.iterations, bucket: 1 },
    ...asked,
  }
  const span = { from: whole.from, to: whole.to }
  const rows: Row[] = []
  for await (const batch of view.rows(source, { ...facts, ...span }, whole)) rows.push(...batch)
  return rows
}

/** LCA of every iteration of a run, as it is stored. */
export function allocationsOf(run: Run, split: SplitName): Float32Array[] {
  return segmentsOf(run.spec).flatMap(segment => {
    const floats = run.floats(allocationsName(split, segment))
    const width = floats.length / (segment.to - segment.from)
    return Array.from({ length: segment.to - segment.from }, (_, i) =>
      floats.slice(i * width, (i + 1) * width),
    )
  })
}

/** The rows that a diagnostic of kind `rows` makes of a run. */
export async function rowsOfRun(
  diagnostic: Diagnostic,
  run: Run,
  split: SplitName,
  asked: Partial<Asked> = {},
): Promise<Row[]> {
  const facts = factsOf(run, split, diagnostic)
  return rowsRead(diagnostic, { source: sourceOf(run, split), facts }, asked)
}

/** θ_t for every t of a run, float32 [parameters]. */
export function trajectoryOf(run: Run): Float32Array[] {
  const trajectory: Float32Array[] = []
  for (const segment of segmentsOf(run.spec)) {
    const floats = run.floats(weightsName(segment))
    const parameters = floats.length / (segment.to - segment.from + 1)
    for (let row = trajectory.length - segment.from; row <= segment.to - segment.from; row++)
      trajectory.push(floats.slice(row * parameters, (row + 1) * parameters))
  }
  return trajectory
}

/** The examples of a split as a reference takes them: rows of pixels in [0, 1], and labels. */
export async function examplesOf({ spec }: Run, split: SplitName) {
  const { images, labels, count, shape } = (await loadSplits(spec.dataset, { directory: '.' }))[split]
  const size = shape.reduce((a, b) => a * b, 1)
  const examples = Array.from({ length: count }, (_, n) =>
    Float64Array.from(images.subarray(n * size, (n + 1) * size), v => v / 255),
  )
  return { examples, labels, shape }
}

/** |a − b| ≤ tolerance · max(|b|, floor). */
export const isClose = (a: number, b: number, tolerance = 1e-4, floor = 0): boolean =>
  Math.abs(a - b) <= tolerance * Math.max(Math.abs(b), floor)
