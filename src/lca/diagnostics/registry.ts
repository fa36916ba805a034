/** The diagnostics there are, in the order in which they are shown. */
import { classes } from './classes.ts'
import { components } from './components.ts'
import { counterfactuals } from './counterfactuals.ts'
import { curvature } from './curvature.ts'
import type { Diagnostic, StoredTable } from './diagnostic.ts'
import { fisher } from './fisher.ts'
import { histogram } from './histogram.ts'
import { interventions } from './interventions.ts'
import { oscillation } from './oscillation.ts'
import { policies } from './policies.ts'
import { sharpness } from './sharpness.ts'
import { synchrony } from './synchrony.ts'
import { tails } from './tails.ts'
import { uncertainty } from './uncertainty.ts'
import { units } from './units.ts'
import { windows } from './windows.ts'

export const diagnostics: readonly Diagnostic[] = [
  curvature,
  oscillation,
  tails,
  histogram,
  units,
  windows,
  uncertainty,
  // Asked for.
  counterfactuals,
  components,
  fisher,
  classes,
  sharpness,
  // What training did.
  interventions,
  policies,
  // Made on reading.
  synchrony,
]

/** Those that are recorded where the spec's `allocation.diagnostics`, which knows their names, says so. */
export const recorded = diagnostics.filter(({ cost }) => cost === 'free' || cost === 'asked')

/** Those that are recorded where training leaves them. */
export const leftByTraining = diagnostics.filter(({ cost }) => cost === 'training')

export const diagnosticNamed = (name: string): Diagnostic | undefined =>
  diagnostics.find(diagnostic => diagnostic.name === name)

const tables = new Map<string, StoredTable>(
  diagnostics.flatMap(diagnostic => diagnostic.tables.map(table => [table.kind, table] as const)),
)

/** The table of a diagnostic by the kind of its blocks; undefined where it is no diagnostic's. */
export const diagnosticTable = (kind: string): StoredTable | undefined => tables.get(kind)

/** Kinds of tables of whole runs. */
export const runKinds = [...tables.values()].filter(({ of }) => of === 'run').map(({ kind }) => kind)
