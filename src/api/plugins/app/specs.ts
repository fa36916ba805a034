/** Resolves what is posted: small bodies here, large ones in threads, so that none keeps the event loop. */
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ResolvedSpec } from '../../../spec/resolved.ts'
import type { StoredSpec } from '../../../spec/stored.ts'
import { schemaViolations } from '../../../spec/validate.ts'
import { factsOf, listUploads } from '../../../store/datasets.ts'
import { readEarlier } from '../../../store/experiments.ts'
import { findPosted, type Once } from '../../../store/posting.ts'
import { readTrajectories, trajectoryFacts } from '../../../store/trajectories.ts'
import { openSpecPool } from '../../specs/pool.ts'
import { type Kind, type Outcome, resolveBody, type World } from '../../specs/work.ts'
import { small, UnparsedBody } from './inputs.ts'

/** What there was already under the key that came with the body; or what is to be made. */
export type Resolved<K extends Kind> =
  | { posted: { id: string; outcome: 'repeated' | 'conflict' } }
  | { made: Extract<Outcome, { kind: K }>; once: Once | undefined }

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Resolves the body of a request. What was made before with its idempotency key is looked up first: whether it could
     * be made today is not asked. Throws SpecError with every wrong field.
     */
    resolveSpec<K extends Kind>(request: FastifyRequest, kind: K): Promise<Resolved<K>>
    /** Resolves a spec that a request is about, as if the request had posted it. Throws SpecError. */
    resolveAgain(request: FastifyRequest, spec: ResolvedSpec): Promise<StoredSpec>
  }
}

/** Works with a signal that aborts when the client has gone. (request.signal goes by the body, which has been read.) */
async function whileThere<T>(
  { raw: { socket } }: FastifyRequest,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController()
  const abort = () => gone.abort()
  if (socket.destroyed) abort()
  socket.once('close', abort)
  try {
    return await work(gone.signal)
  } finally {
    socket.off('close', abort)
  }
}

export default fp<{ factsModule: string }>(
  async (app, { factsModule }) => {
    // The first check of a spec compiles its schema; no request is to wait for that, nor all others with it.
    schemaViolations({})
    const pool = openSpecPool(factsModule)
    app.addHook('onClose', () => pool.close())
    const worldOf = async ({ caller }: Pick<FastifyRequest, 'caller'>, ids: string[]): Promise<World> => {
      const [uploads, earlier, trajectories] = await Promise.all([
        listUploads(app.db, caller.owner),
        // One that is not the caller's is not there for them.
        readEarlier(app.db, caller, ids),
        readTrajectories(app.db, { tenant: caller.owner }, ids),
      ])
      // What has been built in since keeps its name to itself.
      const datasets = [...app.facts.datasets, ...uploads.map(factsOf)]
      const recorded = [...trajectories].map(([id, found]): World['trajectories'][number] => [
        id,
        trajectoryFacts(found),
      ])
      return { datasets, earlier: [...earlier], trajectories: recorded }
    }
    app.decorate('resolveAgain', async (request: FastifyRequest, spec: ResolvedSpec) => {
      const { webhooksToPrivate, maxJobPetaflop } = app.config
      const work = { kind: 'experiment' as const, hashed: false, webhooksToPrivate, maxJobPetaflop }
      const ask = ({ ids }: { ids: string[] }) => worldOf(request, ids)
      const text = JSON.stringify(spec)
      const made =
        text.length > small
          ? await whileThere(request, signal => pool.resolve(text, work, request.caller.owner, signal, ask))
          : await resolveBody(spec, work, app.facts, ask)
      if (made?.kind !== 'experiment') throw new Error('unreachable')
      return made.spec
    })
    app.decorate('resolveSpec', async <K extends Kind>(request: FastifyRequest, kind: K) => {
      const { body, caller } = request
      const key = kind === 'preview' ? undefined : request.headers['idempotency-key']?.toString()
      const { webhooksToPrivate, maxJobPetaflop } = app.config
      const work = { kind, hashed: key !== undefined, webhooksToPrivate, maxJobPetaflop }
      let once: Once | undefined
      let posted: Extract<Resolved<K>, { posted: unknown }>['posted'] | undefined
      const ask = async ({ ids, hash }: { ids: string[]; hash: string | undefined }) => {
        if (key !== undefined && hash !== undefined) {
          once = { key, hash }
          const table = kind === 'sweep' ? 'sweeps' : 'experiments'
          const found = await findPosted(app.db, table, caller.owner, once)
          posted = found as typeof posted
          if (found !== undefined) return undefined
        }
        return worldOf(request, ids)
      }
      const made =
        body instanceof UnparsedBody
          ? await whileThere(request, signal => pool.resolve(body.text, work, caller.owner, signal, ask))
          : await resolveBody(body, work, app.facts, ask)
      if (posted !== undefined) return { posted }
      return { made: made as Extract<Outcome, { kind: K }>, once }
    })
  },
  { name: 'specs', dependencies: ['inputs', 'auth'] },
)
