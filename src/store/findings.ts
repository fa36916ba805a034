/** What can be said of an experiment that is allocated (lca/findings), as finalize notes it. */
import { setImmediate } from 'node:timers/promises'
import { networkOf } from '../lca/diagnostics/follow.ts'
import type { Finding, Study } from '../lca/findings/finding.ts'
import { findAll } from '../lca/findings/registry.ts'
import { findTrends, type Summed, type Trends } from '../lca/findings/trends.ts'
import { randomStream } from '../nn/random.ts'
import type { VariableFacts } from '../spec/facts.ts'
import { recordedBy } from '../spec/recording.ts'
import type { ResolvedSpec } from '../spec/resolved.ts'
import { sampleOf } from '../spec/sample.ts'
import type { Queryable } from './blocks.ts'
import type { UnbalancedSplits } from './books.ts'
import { sourceOf } from './diagnostics.ts'

/** How many findings there are, and the largest, as a summary has them. */
export type FindingsSummary = {
  count: number
  largest: Pick<Finding, 'rule' | 'split' | 'layer' | 'statement' | 'atStake'>[]
}

const mostTold = 3

export const summariseFindings = (findings: Finding[]): FindingsSummary => ({
  count: findings.length,
  largest: findings
    .slice(0, mostTold)
    .map(({ rule, split, layer, statement, atStake }) => ({ rule, split, layer, statement, atStake })),
})

/**
 * Everything that the ledger supports, what matters most first. Linear in the ledger. The bootstrap's stream belongs to the
 * training's seed, so the same ledger has the same findings, bit for bit.
 */
export function findFindings(
  db: Queryable,
  id: string,
  spec: ResolvedSpec,
  variables: VariableFacts[],
  unbalanced: UnbalancedSplits,
): Promise<Finding[]> {
  const { allocation, training } = spec
  const { iterations } = training
  const network = networkOf(variables)
  const recorded = recordedBy(spec)
  const splits = [...allocation.splits].sort()
  const balanced = splits.filter(split => unbalanced?.[split] === undefined)
  const find = (summed: Summed[], label: string) =>
    findTrends(study, summed, randomStream('findings', training.seed, label), () => setImmediate())
  let trends: Promise<Trends> | undefined
  const study: Study = {
    ...{ network, splits, iterations, balanced },
    source: split => sourceOf(db, { id, split }, iterations),
    facts: (split, name) => ({
      ...{ ...network, split, iterations, from: 0, to: iterations },
      options: recorded.find(({ diagnostic }) => diagnostic.name === name)?.options,
    }),
    has: name => recorded.some(({ diagnostic }) => diagnostic.name === name),
    trends: () =>
      (trends ??= find(
        balanced.map(split => ({ split, table: 'allocations', columns: ['lca'] })),
        'trends',
      )),
    trendsOf: summed => find([summed], summed.table),
    unbalanced: split => unbalanced?.[split],
    sample: split => sampleOf(spec, split),
  }
  return findAll(study)
}
