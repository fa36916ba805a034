/** The weights a training starts from where its spec names an earlier experiment's. */

import { manifestName, weightsName } from '../../src/objects/names.ts'
import { DamagedObjectError, MissingObjectError, type Objects, objectKey } from '../../src/objects/objects.ts'
import { type Known, readVerified } from '../../src/objects/verify.ts'
import { SpecError } from '../../src/spec/errors.ts'
import type { VariableFacts } from '../../src/spec/facts.ts'
import { firstDifference } from '../../src/spec/initial.ts'
import type { ResolvedSpec } from '../../src/spec/schema.ts'
import { segmentsOf } from '../../src/spec/segments.ts'
import type { Manifest } from '../../src/store/summary.ts'
import { readRows } from './rows.ts'

/**
 * θ at `training.initial`, float32 [parameters]; undefined where the spec draws its own. The earlier experiment's manifest
 * says what its columns are, where the row lies, and what its object hashes to; `known` is the manifest as it was written.
 * Throws SpecError, which no other attempt can mend, where it has no such weights, or they are damaged or another
 * network's.
 */
export async function readInitialWeights(
  objects: Objects,
  { training: { initial } }: ResolvedSpec,
  variables: VariableFacts[],
  known: Known | undefined,
): Promise<Float32Array | undefined> {
  if (initial === undefined) return undefined
  const { experiment, iteration } = initial
  const fail = (field: string, message: string): never => {
    throw new SpecError([{ path: `$.training.initial.${field}`, message }])
  }
  try {
    if (known === undefined) throw new MissingObjectError(objectKey(experiment, manifestName))
    const bytes = await readVerified(objects, known)
    const manifest = JSON.parse(bytes.toString('utf8')) as Pick<Manifest, 'spec' | 'variables' | 'objects'>
    const difference = firstDifference(variables, manifest.variables)
    if (difference) fail('experiment', difference)
    const segment = segmentsOf(manifest.spec).find(({ from, to }) => from <= iteration && iteration <= to)
    if (!segment) return fail('iteration', `must be ≤ ${manifest.spec.training.iterations}, got ${iteration}`)
    const parameters = variables.reduce((sum, { size }) => sum + size, 0)
    const key = objectKey(experiment, weightsName(segment))
    const object = manifest.objects.find(({ name }) => name === weightsName(segment))
    if (object === undefined) throw new MissingObjectError(key)
    const rowAt = await readRows(objects, { ...object, key }, parameters)
    return await rowAt(iteration - segment.from)
  } catch (error) {
    const again = `POST /v1/experiments/${experiment}/retry makes it again, where that can be done`
    if (error instanceof DamagedObjectError) return fail('experiment', `${error.message}; ${again}`)
    if (!(error instanceof MissingObjectError)) throw error
    return fail('experiment', `has no such weights (${error.message})`)
  }
}
