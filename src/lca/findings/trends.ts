/**
 * Where layers, or the whole network, helped or hurt over a span and not by chance: sums of LCA over spans, with intervals
 * that hold for all layers, spans and splits together (statistics/block-bootstrap.ts). What the intervals stand for is the
 * run's own noise: were its iterations drawn again as blocks, so much would the sums vary.
 */
import type { RandomStream } from '../../nn/random.ts'
import type { SplitName } from '../../spec/schema.ts'
import { strataOf, sumsApartFromZero } from '../../statistics/block-bootstrap.ts'
import { checkRows } from '../diagnostics/sums.ts'
import { level, type Study } from './finding.ts'

/** A sum of LCA that is apart from 0. `layer` null: of the whole network. */
export type Trend = {
  split: SplitName
  layer: string | null
  from: number
  to: number
  sum: number
  low: number
  high: number
}
export type Trends = Trend[]

/** Points of a series: of more iterations, each is a sum over several. */
const mostPoints = 4096

type Read = Pick<Study, 'network' | 'balanced' | 'iterations' | 'source'>

export async function findTrends(
  { network, balanced, iterations, source }: Read,
  random: RandomStream,
  breathe: () => Promise<void>,
): Promise<Trends> {
  const { variables, layers, layerOf } = network
  const bucket = Math.ceil(iterations / mostPoints)
  // The last of several iterations that are fewer would be a point of another kind: it is left to its neighbour.
  const points = Math.max(1, Math.floor(iterations / bucket))
  const strata = strataOf(points)
  if (strata.length === 0) return []
  const owners: { split: SplitName; layer: string | null }[] = []
  const series: Float64Array[] = []
  for (const split of balanced) {
    const own = [...layers, null].map(() => new Float64Array(points))
    for await (const block of source(split)('allocations')) {
      checkRows(block, variables.length)
      for (let iteration = block.from, row = 0; iteration < block.to; iteration++) {
        const point = Math.min(points - 1, Math.floor(iteration / bucket))
        for (let v = 0; v < variables.length; v++, row++) {
          const lca = block.columns.lca[row]
          own[layerOf[v]][point] += lca
          own[layers.length][point] += lca
        }
      }
      await breathe()
    }
    for (const [l, layer] of [...layers, null].entries()) {
      // Nothing can be said of sums that are not numbers, nor of one layer beside the network that it is.
      if (!own[l].every(Number.isFinite) || (layers.length === 1 && layer !== null)) continue
      owners.push({ split, layer })
      series.push(own[l])
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
