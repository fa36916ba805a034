/** The weights a training starts from where its spec names an earlier experiment's. */

import { manifestName, weightsName } from '../../src/objects/names.ts'
import { MissingObjectError, type Objects, objectKey } from '../../src/objects/objects.ts'
import { SpecError } from '../../src/spec/errors.ts'
import type { VariableFacts } from '../../src/spec/facts.ts'
import { firstDifference } from '../../src/spec/initial.ts'
import type { ResolvedSpec } from '../../src/spec/schema.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import { readRows } from './rows.ts'

/**
 * θ at `training.initial`, float32 [parameters]; undefined where the spec draws its own. The earlier experiment's manifest
 * says what its columns are and where the row lies. Throws SpecError, which no other attempt can mend, where it has no
 * such weights or they are another network's.
 */
export async function readInitialWeights(
  objects: Objects,
  { training: { initial } }: ResolvedSpec,
  variables: VariableFacts[],
): Promise<Float32Array | undefined> {
  if (initial === undefined) return undefined
  const { experiment, iteration } = initial
  const fail = (field: string, message: string): never => {
    throw new SpecError([{ path: `$.training.initial.${field}`, message }])
  }
  try {
    const bytes = await objects.read(objectKey(experiment, manifestName))
    const manifest = JSON.parse(bytes.toString('utf8')) as { spec: ResolvedSpec; variables: VariableFacts[] }
    const difference = firstDifference(variables, manifest.variables)
    if (difference) fail('experiment', difference)
    const segment = segmentsOf(manifest.spec).find(({ from, to }) => from <= iteration && iteration <= to)
    if (!segment) return fail('iteration', `must be ≤ ${manifest.spec.training.iterations}, got ${iteration}`)
    const parameters = variables.reduce((sum, { size }) => sum + size, 0)
    const rowAt = await readRows(objects, experiment, weightsName(segment), parameters)
    return await rowAt(iteration - segment.from)
  } catch (error) {
    if (!(error instanceof MissingObjectError)) throw error
    return fail('experiment', `has no such weights (${error.message})`)
  }
}
