/** What resolves the specs in a body for a caller: what it has to be told about the world is loaded once, before. */
import type { FastifyInstance } from 'fastify'
import { type FieldError, SpecError } from '../../../spec/errors.ts'
import type { Facts } from '../../../spec/facts.ts'
import { checkInitial } from '../../../spec/initial.ts'
import type { ResolvedSpec } from '../../../spec/schema.ts'
import { factsOf, listUploads } from '../../../store/datasets.ts'
import { readEarlier } from '../../../store/experiments.ts'
import type { Caller } from '../../plugins/app/auth.ts'
import { isForbidden } from '../../webhooks/address.ts'
import { specOf } from './body.ts'

export type Resolver = {
  /** With the caller's own datasets. */
  facts: Facts
  /**
   * Throws SpecError, also where the experiment in training.initial cannot be what this one begins with, and where a
   * webhook would not be delivered.
   */
  resolve(document: unknown): ResolvedSpec
}

/** A resolver of the specs that a body holds or is made of. */
export async function resolverFor(app: FastifyInstance, caller: Caller, body: unknown): Promise<Resolver> {
  const { network, chunkSize, datasets } = app.facts
  const [uploads, earlier] = await Promise.all([
    listUploads(app.db, caller.owner),
    // One that is not the caller's is not there for them.
    readEarlier(app.db, caller, [...idsIn(body)]),
  ])
  // What has been built in since keeps its name to itself.
  const facts = { network, chunkSize, datasets: [...datasets, ...uploads.map(factsOf)] }
  return {
    facts,
    resolve(document) {
      const spec = specOf(document, facts)
      const id = spec.training.initial?.experiment
      const errors = [
        ...checkInitial(spec, earlier.get(id ?? '') ?? null, facts),
        ...(app.config.webhooksToPrivate ? [] : checkNotify(spec)),
      ]
      if (errors.length > 0) throw new SpecError(errors)
      return spec
    },
  }
}

/** What would never be delivered, as far as the URL itself says so. */
function checkNotify({ notify = [] }: ResolvedSpec): FieldError[] {
  return notify.flatMap(({ url }, i) => {
    const message =
      'must lead to a public address; others only where LEDGER_WEBHOOKS_TO_PRIVATE=yes lets them'
    return isForbidden(new URL(url)) ? [{ path: `$.notify[${i}].url`, message }] : []
  })
}

/** As ids are written here, and as training.initial takes them. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Every id in a body, wherever it stands: what a sweep varies may be training.initial, or anything around it. */
function idsIn(body: unknown): Set<string> {
  const found = new Set<string>()
  // Not by recursion: a hostile body is nested as deep as it is long.
  const waiting = [body]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value === 'string' && uuid.test(value)) found.add(value)
    else if (typeof value === 'object' && value !== null)
      for (const item of Object.values(value)) waiting.push(item)
  }
  return found
}
