/**
 * What a diagnostic is. A file in this folder says all there is to say of one: what it is asked for by, what it costs, what
 * it takes from a step, what is stored of it, and what it is read as. `registry.ts` lists them; the spec's
 * `allocation.diagnostics`, storage, REST, openapi.yaml, the command line and the docs follow from that list.
 *
 * These files import no engine and no database: what they need of a network is a probe, what they read is a source.
 */
import type { VariableFacts } from '../../spec/facts.ts'
import type { ResolvedDiagnostic, ResolvedSpec } from '../../spec/resolved.ts'
import type { SplitName } from '../../spec/schema.ts'
import type { LayerUnits } from '../../spec/units.ts'
import type { Step } from '../allocate.ts'
import type { Columns } from '../columns.ts'
import type { Borders } from './borders.ts'
import type { Probes } from './probes.ts'

// -------------------------------------------------------------------------------------------------- the rule

export type Diagnostic = {
  /** By which it is asked for, and found at /diagnostics/{name}: a noun in lower case. */
  name: string
  /** What it says, in a sentence or two, with its formula. */
  description: string
  /**
   * Free ones come from vectors that are in hand anyway, and are on by default; `reading`: computed when it is asked for;
   * `training`: what training did, recorded where it did it.
   */
  cost: 'free' | 'asked' | 'reading' | 'training'
  /** Of `training`: what its table is, the only one, by column; and what it is recorded with where a training leaves it. */
  left?: {
    types: Record<string, 'int32' | 'float64'>
    of(training: Pick<ResolvedSpec['training'], 'intervention' | 'policy'>): ResolvedDiagnostic | undefined
  }
  /** Of `reading`: the diagnostic whose tables it is made of; absent where it is of what every ledger has. */
  madeOf?: string
  /** Options that it has, with their defaults. */
  options?: {
    /** Computed at iterations that are multiples of it, only. */
    every?: number
    /** Examples of each split that it looks at; at most all of them. */
    examples?: number
  }
  /** Of one split over the whole training: full-split gradients and forward passes, and stored rows of each table. */
  work?(facts: CostFacts, options: ResolvedDiagnostic): { gradients: number; forwardPasses: number }
  /** Of one split: what of it there will not be, and what would have to be set for it; for the preview. */
  lacks?(facts: CostFacts, options: ResolvedDiagnostic): string | undefined
  tables: StoredTable[]
  /** Whether it takes what each chunk of a split has (`chunkLca` of a step). */
  takesChunks?: boolean
  /** Whether it asks what the training did (`probes.training`), beyond its seed. */
  asksTraining?: boolean
  /** Follows the steps of a segment. Absent where everything is made on reading, of tables of others. */
  follow?(context: FollowContext): Follower
  /** What spans the border of two segments, or more of them: made in the end, of vectors that every segment leaves. */
  seams?: Seams
  view: View
  /** Of a whole run, or the first iterations of one: what sweeps compare, by name. */
  figures: FigureRule[]
  /** Their values over [from, to), by name; NaN where there is none. Absent where there are no figures. */
  summarise?(source: Source, facts: ReadFacts): Promise<Record<string, number>>
}

/** A table of a diagnostic, as it lies in ledger_blocks. */
export type StoredTable = {
  /** The name of the diagnostic, or with a part: `tails`, `tails.bins`. */
  kind: string
  /**
   * iterations: so many rows an iteration, in the order of iterations. segment: rows of the segment, which hold their own
   * iteration where they are of single ones. run: rows of the whole run, made of the seams.
   */
  of: 'iterations' | 'segment' | 'run'
  /** Rows an iteration, or of a segment; absent where their number depends on what is found. */
  rows?: (facts: RowFacts) => number
  /** For the preview: rows over the whole run of one split, where they do not follow from `rows`, and bytes of one. */
  expected?: (facts: CostFacts, options: ResolvedDiagnostic) => number
  rowBytes: number
}

export type RowFacts = { variables: number; layers: number; units: number }
export type CostFacts = RowFacts & {
  parameters: number
  iterations: number
  segments: number
  segmentIterations: number
  classes: number
  batchNorm: boolean
  /** Examples of the split that are allocated, and the chunks that they come in. */
  examples: number
  chunkSize: number
  chunks: number
  /** Gradients of the quadrature in an iteration. */
  points: number
  /** Labels of an example. */
  targets: number
  /** Of training. */
  batchSize: number
  /** Iterations whose step training judges (training.intervention). */
  judged: number
  /** How many are allocated: what is done once for all of them is divided among them. */
  splits: number
}

// --------------------------------------------------------------------------------------------- what follows a step

export type NetworkOf = {
  variables: VariableFacts[]
  /** Those with variables, in order. */
  layers: string[]
  /** The layer of each variable, by index. */
  layerOf: number[]
  units: LayerUnits[]
  parameters: number
}

export type FollowContext = {
  network: NetworkOf
  splits: SplitName[]
  /** The segment, and the iterations of the training. */
  from: number
  to: number
  iterations: number
  options: ResolvedDiagnostic
  probes: Probes
  signal: AbortSignal
}

export type Follower = {
  /** Vectors of the step are valid until the next. */
  step(step: Step): void | Promise<void>
  /** After the last step: the tables of the segment, by kind; each for every split. */
  tables(): Record<string, Partial<Record<SplitName, Columns>>>
  /** After the last step: the vectors that the rule's `seams` name, float32 [parameters], of each split. */
  seams?(): Partial<Record<SplitName, Record<string, Float32Array>>>
}

// -------------------------------------------------------------------------------------------------------- seams

/**
 * Vectors over the parameters that every segment leaves in storage until all are there; then, segment by segment in their
 * order, something is made of them. So what spans a border is exact whichever worker allocated its two sides, and when.
 */
export type Seams = {
  vectors: string[]
  /** The table (`of: 'run'`) that is made. */
  kind: string
  join(facts: ReadFacts): {
    add(segment: { from: number; to: number; vectors: Record<string, Float32Array> }): void
    columns(): Columns
  }
  /**
   * The vectors of a segment whose own are gone, as they are once a run has succeeded, bit for bit out of its raw tensors: for
   * a run that goes on.
   */
  recover(network: NetworkOf, tensors: RawTensors): Promise<Record<string, Float32Array>>
}

/** Of a segment [from, to): θ_from … θ_to, and on one split LCA of its iterations, float32 [parameters] each. */
export type RawTensors = {
  from: number
  to: number
  weights(iteration: number): Promise<Float32Array>
  lca(iteration: number): Promise<Float32Array>
}

// ------------------------------------------------------------------------------------------------------ reading

export type ColumnRule = {
  name: string
  type: 'int32' | 'float64' | 'name'
  description: string
}

/** A stretch of a stored table: of iterations [from, to), or of a segment. */
export type StoredBlock = { from: number; to: number; rows: number; columns: Columns }

/** Reads a table of the split, the diagnostic's own or another's, over [from, to); a run's table whole. */
export type Source = (kind: string, span?: { from: number; to: number }) => AsyncIterable<StoredBlock>

export type ReadFacts = NetworkOf & {
  split: SplitName
  iterations: number
  /** What is looked at, within [0, iterations). */
  from: number
  to: number
  /** The options that it was recorded with; undefined where it is made on reading. */
  options: ResolvedDiagnostic | undefined
}

/** What a query may say, beyond split and format. */
export type QueryRule = {
  /** What a row may be of, the default first. Absent: it is always of the same. */
  by?: ('network' | 'layer' | 'variable')[]
  layer?: boolean
  span?: boolean
  bucket?: boolean
}
export type Asked = {
  by: 'network' | 'layer' | 'variable'
  layers: string[] | undefined
  from: number
  to: number
  bucket: number
}

/** One row of a table that is read: numbers that there are not are null. */
export type Row = Record<string, string | number | null>

/**
 * sums: a table `of: 'iterations'` with a row a variable, whose columns add up over variables and iterations; rows have the
 * sums over their group and span, and what is derived of these. A value that there is none of is NaN, and adds nothing; the
 * sum of none is NaN. rows: whatever the diagnostic makes of its tables.
 */
export type View = { query: QueryRule } & (
  | {
      kind: 'sums'
      table: string
      /** Columns that look back over an iteration's border, where that is also a segment's. */
      borders?: Borders
      /** Stored columns, float64. */
      sums: ColumnRule[]
      /** From the sums of a row; NaN where there is none. */
      derived: (ColumnRule & { of(sums: Record<string, number>): number })[]
    }
  | {
      kind: 'rows'
      columns: ColumnRule[]
      rows(source: Source, facts: ReadFacts, asked: Asked): AsyncIterable<Row[]>
    }
)

/** A number of a whole run. */
export type FigureRule = { name: string; description: string }
