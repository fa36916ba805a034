/** The resolved spec as a schema, made from that of the spec that is posted: the same with nothing left out. */
import { datasetOptions } from '../../spec/dataset-options.ts'
import { ExperimentSpec } from '../../spec/schema.ts'
import { component } from './common.ts'

type Json = { [key: string]: unknown }

/** What stays optional in a resolved spec, by its path: it is absent where there is nothing to say. */
const optional = new Set([
  ...['name', 'notify', 'loss', 'dataset.sha256', 'training.initial', 'training.trajectory'],
  ...['training.clipNorm', 'training.augmentation', 'allocation.examples', 'allocation.diagnostics'],
  ...['training.policy', 'training.policy.judge.examples', 'training.policy.freezeHurting'],
  ...['training.policy.freezeHurting.for', 'training.policy.stopOverfitting'],
  ...['training.policy.quietMomentum'],
  ...['training.average'],
  ...['dataset.normalization', 'dataset.normalization.mean', 'dataset.normalization.deviation'],
  ...['training.intervention', 'training.intervention.until', 'training.intervention.judge.examples'],
  ...Object.keys(datasetOptions).map(option => `dataset.${option}`),
])
/** Options of norms, in whatever block of an architecture: absent where they are what a norm has anyway. */
const isNormOption = (path: string) =>
  /^architecture\..*\b(epsilon|batchNorm|statistics|momentum)$/.test(path)
/** What is kept as the user wrote it: rules say only what is different. */
const verbatim = new Set(['tags', 'layers', 'training.initial', 'allocation.diagnostics'])

function resolved(schema: Json, path: string): Json {
  if (verbatim.has(path)) return schema
  // 'auto' has become the number that it picked.
  if (path === 'allocation.chunkSize') return (schema.anyOf as Json[])[1]
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  const result: Json = { ...schema }
  for (const of of ['oneOf', 'anyOf'] as const)
    if (of in schema) result[of] = (schema[of] as Json[]).map(variant => resolved(variant, path))
  if ('items' in schema) result.items = resolved(schema.items as Json, path)
  if ('properties' in schema) {
    const properties = Object.entries(schema.properties as Record<string, Json>)
    result.properties = Object.fromEntries(
      properties.map(([name, property]) => [name, resolved(property, at(name))]),
    )
    result.required = properties
      .map(([name]) => name)
      .filter(name => !optional.has(at(name)) && !isNormOption(at(name)))
  }
  return result
}

const { $id: _, ...whole } = resolved({ ...ExperimentSpec }, '')

/** For openapi.yaml: what is stored leaves as it is, and is not serialised by this schema. */
export const ResolvedSpecComponent = component('ResolvedSpec', {
  ...whole,
  description:
    'A spec with every default filled in. Of an experiment that another version accepted, what that version knew.',
})
