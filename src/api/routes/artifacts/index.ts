/** Artifacts: which objects an experiment has, and their bytes. */
import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { joinedTensors, rowsNamed, rowsOf } from '../../../objects/names.ts'
import { DamagedObjectError, MissingObjectError, objectKey } from '../../../objects/objects.ts'
import { splitNames } from '../../../spec/schema.ts'
import { Type } from '../../../spec/type.ts'
import { findArtifacts, listArtifacts } from '../../../store/artifacts.ts'
import { decodeCursor, encodeCursor } from '../../http/cursor.ts'
import { matchesEtag, weakEtag } from '../../http/etag.ts'
import { invalidQuery, ProblemError } from '../../problem.ts'
import {
  Artifact,
  ArtifactHeaders,
  ArtifactLink,
  ArtifactParams,
  ArtifactQuery,
  ArtifactsQuery,
} from '../../schemas/artifacts.ts'
import { ConditionHeaders, ExperimentParams, notModified, Page, problems, ref } from '../../schemas/common.ts'
import { specOf } from '../experiments/query.ts'
import { bytesOf, cut, type Download, findLost, sizeOf } from './bytes.ts'
import { findJoined, joinedNamed, listJoined } from './joined.ts'
import { parseRange } from './range.ts'

const notThere = (id: string) =>
  new ProblemError(
    'not-found',
    `there is no such artifact; /v1/experiments/${id}/artifacts lists those that there are`,
  )

/** What the names of artifacts are made of; anything else is not looked up. */
const namePattern = /^[A-Za-z0-9._/-]{1,500}$/

const joinedNames = joinedTensors(splitNames).map(({ name }) => `\`${name}\``)

const routes: FastifyPluginAsyncTypebox = async app => {
  const urlOf = (id: string, name: string) => `/v1/experiments/${id}/artifacts/${name}`

  app.get(
    '/experiments/:id/artifacts',
    {
      schema: {
        operationId: 'listArtifacts',
        tags: ['artifacts'],
        summary: 'Artifacts',
        description:
          'The objects of an experiment, by name: raw tensors as they are written, manifest.json when all are; then also the tensors of all segments in one (`derived`).',
        params: ExperimentParams,
        headers: ConditionHeaders,
        querystring: ArtifactsQuery,
        response: { 200: Page(ref(Artifact), 'Artifacts by name.'), ...notModified, ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { limit, cursor } = request.query
      const after = decodeCursor(cursor, namePattern)
      const whole = await app.watch.find(id, request.caller)
      const spec = specOf(whole)
      const { iterations } = spec.training
      const joined = await listJoined(app.db, whole.experiment, spec)
      const found = await listArtifacts(app.db, id, { after, limit: limit + 1 }, joined)
      const items = found.slice(0, limit).map(({ name, bytes, sha256, contentType, createdAt }) => {
        const derived = sha256 === null
        const { bothEnds = false } = joinedNamed(name) ?? {}
        const rows = derived ? rowsOf(bothEnds, { from: 0, to: iterations }) : rowsNamed(name)
        return {
          ...{ name, bytes, sha256, derived },
          ...{ rows: rows?.rows ?? null, iterations: rows?.iterations ?? null },
          ...{ contentType, createdAt: createdAt.toISOString(), url: urlOf(id, name) },
        }
      })
      const page = { items, nextCursor: found.length > limit ? encodeCursor(items[limit - 1].name) : null }
      // Of what it says: what is not kept goes after the experiment has succeeded.
      const etag = weakEtag(JSON.stringify(page))
      reply.headers({ etag, 'cache-control': 'private, no-cache' })
      if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send(null)
      return page
    },
  )

  /** The object of this name; the name is looked up as it is. Throws 404. */
  const findStored = async (id: string, name: string): Promise<Download> => {
    const found = (await findArtifacts(app.db, id, [name])).get(name)
    if (!found) throw notThere(id)
    const { bytes, sha256, contentType } = found
    // Only what the table answers makes the key, never the path that was asked for.
    const object = { key: objectKey(id, found.name), bytes, sha256 }
    return {
      filename: name.slice(name.lastIndexOf('/') + 1),
      ...{ contentType, sha256, etag: `"${sha256}"`, head: Buffer.alloc(0) },
      stretches: [{ object, start: 0, end: bytes, whole: true }],
    }
  }

  const octets = Type.Unsafe<unknown>({ type: 'string', contentMediaType: 'application/octet-stream' })
  app.route({
    // HEAD as well, on its own: Fastify's would read the whole object to answer it.
    method: ['GET', 'HEAD'],
    url: '/experiments/:id/artifacts/*',
    schema: {
      operationId: 'getArtifact',
      tags: ['artifacts'],
      summary: 'Download an artifact',
      description: `The bytes of one object, or a range of them. The ETag is the SHA-256 of the whole object, which Repr-Digest (RFC 9530) has as well; a whole object that turns out to be damaged in storage is a 410 while it is small, and else breaks off before its end. An artifact never changes but by being written again with the same bytes. Where objects lie in S3 the answer to a GET is a redirect to a presigned URL, which knows ranges too, and which must not be sent the key: \`link=true\` names the URL instead.

${joinedNames.join(', ')} are the tensors of all segments in one, put together as they are sent, with an ETag and ranges as well; never a redirect. \`from\` and \`to\` choose iterations, before the end of the experiment too. \`allocations\` and \`neurons\` have a row for each of the iterations from … to − 1, \`weights\` one more: the weights before the first of them, and after each.`,
      params: ArtifactParams,
      headers: ArtifactHeaders,
      querystring: ArtifactQuery,
      response: {
        200: {
          description: 'The object; with link=true, where it is.',
          headers: {
            'repr-digest': {
              type: 'string',
              description: 'The SHA-256 of the whole object, where it is known.',
            },
          },
          content: {
            '*/*': { schema: octets },
            'application/json': {
              schema: Type.Unsafe<unknown>({
                anyOf: [ref(ArtifactLink), { type: 'object', description: 'manifest.json' }],
              }),
            },
          },
        },
        206: { description: 'The range.', content: { '*/*': { schema: octets } } },
        304: Type.Null({ description: 'You have it.' }),
        307: Type.Null({ description: 'Where it is, for the next minutes. Without the key.' }),
        ...problems(400, 404, 410, 416),
      },
    },
    handler: async (request, reply) => {
      const { id, '*': name } = request.params
      const { from, to, link = false } = request.query
      if (!namePattern.test(name)) throw notThere(id)
      const whole = await app.watch.find(id, request.caller)
      const { experiment } = whole
      // Not of every range of a stored object: a spec may be large.
      const spec = () => specOf(whole)
      const joined = joinedNamed(name)
      if (!joined && (from ?? to) !== undefined)
        throw invalidQuery(
          from === undefined ? 'to' : 'from',
          `is for tensors of all segments only: ${joinedTensors(spec().allocation.splits)
            .map(({ name }) => name)
            .join(', ')}`,
        )
      const look = () =>
        joined
          ? findJoined(app.db, experiment, spec(), joined, { from, to })
          : findStored(experiment.id, name)
      const download = await look()
      const { etag, sha256, contentType, filename, stretches } = download
      const size = sizeOf(download)
      /** Throws 404 where it has been deleted since, or is not kept any longer. */
      const lookAgain = async () => {
        await app.watch.find(id, request.caller)
        await look()
      }
      const signed = async () =>
        joined ? undefined : app.objects.downloadUrl(stretches[0].object.key, { contentType, filename })
      /** Throws 410 where one of the objects is lost or cut short: before the answer begins. */
      const refuseLost = async (wanted: typeof stretches) => {
        const lost = await findLost(app.objects, wanted)
        if (lost) throw gone(lost.key, isLost, experiment)
      }
      if (link) {
        await refuseLost(stretches)
        const there = await signed()
        const span = new URLSearchParams()
        for (const [key, value] of Object.entries({ from, to }))
          if (value !== undefined) span.set(key, String(value))
        const own = urlOf(experiment.id, name) + (span.size > 0 ? `?${span}` : '')
        const answer: ArtifactLink = {
          ...{ url: there?.url ?? own, needsKey: there === undefined && app.config.auth === 'keys' },
          ...{ expiresAt: there?.expiresAt.toISOString() ?? null, sha256: sha256 ?? null },
        }
        return reply.header('cache-control', 'no-store').type('application/json').send(JSON.stringify(answer))
      }
      const common = { etag, 'accept-ranges': 'bytes', 'cache-control': 'private, no-cache' }
      if (matchesEtag(request.headers['if-none-match'], etag))
        return reply.code(304).headers(common).send(null)
      // A presigned URL is good for one method: what HEAD asks is known here.
      if (request.method === 'GET') {
        const there = await signed()
        if (there !== undefined) {
          await refuseLost(stretches)
          return reply
            .code(307)
            .headers({ ...common, location: there.url, 'cache-control': 'no-store' })
            .send(null)
        }
      }

      const condition = request.headers['if-range']
      const wanted = condition === undefined || condition === etag ? request.headers.range : undefined
      const range = parseRange(wanted, size)
      if (range === 'unsatisfiable')
        throw new ProblemError('range-not-satisfiable', `the object has ${size} bytes`, {
          headers: { 'content-range': `bytes */${size}` },
        })
      const { start, end } = range ?? { start: 0, end: size }
      const part = cut(download, { start, end })
      await refuseLost(part.stretches)
      const bytes =
        request.method === 'GET'
          ? await begun(bytesOf(app.objects, part), experiment, lookAgain, request)
          : undefined
      reply
        .code(range ? 206 : 200)
        .type(contentType)
        .headers({ ...common, 'content-length': end - start })
      reply.header('content-disposition', `attachment; filename="${filename}"`)
      if (sha256) reply.header('repr-digest', `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`)
      if (range) reply.header('content-range', `bytes ${start}-${end - 1}/${size}`)
      return reply.send(bytes && Readable.from(bytes, { objectMode: false }))
    },
  })
}
export default routes

const isLost = 'lost: the object store has it no more, or not all of it'

/**
 * The bytes of a download, the first of which have been read: what is damaged and small, or has gone since it was looked for, is
 * known by then, and told by a 410; by a 404 where `lookAgain` throws that. What shows later breaks off an answer that has begun, and only the log can tell.
 */
async function begun(
  bytes: AsyncGenerator<Buffer>,
  experiment: { id: string; status: string },
  lookAgain: () => Promise<void>,
  { log }: FastifyRequest,
): Promise<AsyncIterable<Buffer>> {
  const first = await bytes.next().catch(async error => {
    if (!(error instanceof DamagedObjectError || error instanceof MissingObjectError)) throw error
    await lookAgain()
    log.error({ err: error, experiment: experiment.id }, 'a download is refused')
    const isDamaged = error instanceof DamagedObjectError
    const what = isDamaged ? 'damaged: the object store has other bytes than were written' : isLost
    throw gone(error.key, what, experiment)
  })
  return (async function* () {
    if (first.done) return
    yield first.value
    try {
      yield* bytes
    } catch (error) {
      log.error({ err: error, experiment: experiment.id }, 'a download broke off')
      throw error
    }
  })()
}

/** An object that was stored, and is not there any more, or not as it was: `what` says which. */
function gone(key: string, what: string, { id, status }: { id: string; status: string }): ProblemError {
  const hope =
    status === 'succeeded' || status === 'failed' || status === 'cancelled'
      ? `POST /v1/experiments/${id}/retry makes it again, where that can be done`
      : 'it is made again before the experiment ends'
  const name = key.slice(objectKey(id, '').length)
  return new ProblemError('gone', `${name} is ${what}; ${hope}`, { headers: { 'cache-control': 'no-store' } })
}
