/**
 * What consumers of steps leave of a segment for Postgres: tables as columns, a set for every split. Whoever adds a
 * diagnostic adds a kind; how it is stored and read again follows from what is said here (store/blocks.ts).
 */
import type { SplitName } from '../spec/schema.ts'

/** float64 or int32, as they are. */
export type Columns = Record<string, Float64Array | Int32Array>

/**
 * iterations: a row an iteration. allocations: a row an iteration and variable, in this order. neurons: a row an output
 * unit, summed over the segment. Of splits of which a sample is allocated also errors: a row an iteration and layer, and
 * one for the network, in this order; and chunks: a row a variable and chunk, summed over the segment. Any other kind is
 * a table of a diagnostic (diagnostics/registry.ts).
 */
export type ColumnsKind = 'iterations' | 'allocations' | 'neurons' | SampleKind
export type SampleKind = 'errors' | 'chunks'

/** One table of one split over a segment. All columns are equally long. */
export type SegmentColumns = {
  kind: string
  split: SplitName
  /** iterations: equally many rows for each iteration, in their order. segment: each row is of the segment as a whole. */
  of: 'iterations' | 'segment'
  columns: Columns
}
