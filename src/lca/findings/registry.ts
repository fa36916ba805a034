/** The rules there are, and what all of them find. */
import { damage } from './damage.ts'
import { dead } from './dead.ts'
import type { Finding, Rule, Study } from './finding.ts'
import { hurting } from './hurting.ts'
import { momentum } from './momentum.ts'
import { overfitting } from './overfitting.ts'
import { overshooting } from './overshooting.ts'
import { diverged, rising } from './rising.ts'
import { unbalanced } from './unbalanced.ts'

export const rules: readonly Rule[] = [
  diverged,
  unbalanced,
  rising,
  hurting,
  overfitting,
  overshooting,
  damage,
  momentum,
  dead,
]

const ledgers = ['iterations', 'allocations']

/** Everything that can be said, what matters most first: by loss at stake, then in the order of the rules. */
export async function findAll(study: Study): Promise<Finding[]> {
  const found: Finding[] = []
  for (const rule of rules)
    if (ledgers.includes(rule.table) || study.has(rule.table)) found.push(...(await rule.find(study)))
  const stake = ({ atStake }: Finding) => atStake ?? Number.POSITIVE_INFINITY
  return found
    .map((finding, order) => ({ finding, order }))
    .sort((a, b) => {
      const [x, y] = [stake(a.finding), stake(b.finding)]
      return x === y ? a.order - b.order : y - x
    })
    .map(({ finding }) => finding)
}
