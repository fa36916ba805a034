/**
 * Where layers, or the whole network, helped or hurt over a span and not by chance: sums of LCA, or of parts of it, with intervals
 * that hold for all layers, spans and splits together (statistics/block-bootstrap.ts). What the intervals stand for is the
 * run's own noise: were its iterations drawn again as blocks, so much would the sums vary.
 */
import type { RandomStream } from '../../nn/random.ts'
import type { SplitName } from '../../spec/schema.ts'
import { strataOf, sumsApartFromZero } from '../../statistics/block-bootstrap.ts'
import { checkRows } from '../diagnostics/sums.ts'
import { level, type Study } from './finding.ts'

/** A sum over a span that is apart from 0. `layer` null: of the whole network. */
export type Trend = {
  split: SplitName
  /** Of the table: `lca`, or a part of it. */
  column: string
  layer: string | null
  from: number
  to: number
  sum: number
  low: number
  high: number
}
export type Trends = Trend[]

/** Columns of a table with a row a variable and iteration, on one split. */
export type Summed = { split: SplitName; table: string; columns: readonly string[] }

/** Points of a series: of more iterations, each is a sum over several. */
const mostPoints = 4096

type Read = Pick<Study, 'network' | 'iterations' | 'source'>

/** Of every layer and the network; the intervals hold for all that is asked for together. */
export async function findTrends(
  { network, iterations, source }: Read,
  summed: Summed[],
  random: RandomStream,
  breathe: () => Promise<void>,
): Promise<Trends> {
  const { variables, layers, layerOf } = network
  const bucket = Math.ceil(iterations / mostPoints)
  // The last of several iterations that are fewer would be a point of another kind: it is left to its neighbour.
  const points = Math.max(1, Math.floor(iterations / bucket))
  const strata = strataOf(points)
  if (strata.length === 0) return []
  const owners: Pick<Trend, 'split' | 'column' | 'layer'>[] = []
  const series: Float64Array[] = []
  for (const { split, table, columns } of summed) {
    const sums = columns.map(() => [...layers, null].map(() => new Float64Array(points)))
    for await (const block of source(split)(table)) {
      checkRows(block, variables.length)
      const values = columns.map(column => block.columns[column])
      for (let iteration = block.from, row = 0; iteration < block.to; iteration++) {
        const point = Math.min(points - 1, Math.floor(iteration / bucket))
        for (let v = 0; v < variables.length; v++, row++)
          for (const [c, own] of sums.entries()) {
            own[layerOf[v]][point] += values[c][row]
            own[layers.length][point] += values[c][row]
          }
      }
      await breathe()
    }
    for (const [c, column] of columns.entries())
      for (const [l, layer] of [...layers, null].entries()) {
        // Nothing can be said of sums that are not numbers, nor of one layer beside the network that it is.
        if (!sums[c][l].every(Number.isFinite) || (layers.length === 1 && layer !== null)) continue
        owners.push({ split, column, layer })
        series.push(sums[c][l])
      }
  }
  const found = await sumsApartFromZero(series, strata, { confidence: level, random, breathe })
  const ends = strata.map(({ to }) => to * bucket)
  return found.map(({ series, first, last, sum, low, high }) => ({
    ...owners[series],
    from: strata[first].from * bucket,
    to: last === strata.length - 1 ? iterations : ends[last],
    ...{ sum, low, high },
  }))
}

/** Of spans that overlap the one with the largest |sum|; the others are apart from it. */
export function largestApart(trends: Trend[]): Trend[] {
  const chosen: Trend[] = []
  for (const trend of [...trends].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum)))
    if (!chosen.some(other => trend.from < other.to && other.from < trend.to)) chosen.push(trend)
  return chosen
}
