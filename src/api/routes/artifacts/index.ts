/** Artifacts: which objects an experiment has, and their bytes. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { MissingObjectError, objectKey } from '../../../objects/objects.ts'
import { ProblemError } from '../../problem.ts'
import { Artifact, ArtifactHeaders, ArtifactParams, ArtifactsQuery } from '../../schemas/artifacts.ts'
import { ConditionHeaders, ExperimentParams, notModified, Page, problems, ref } from '../../schemas/common.ts'
import { decodeCursor, encodeCursor } from '../shared/cursor.ts'
import { matchesEtag, weakEtag } from '../shared/etag.ts'
import { parseRange } from './range.ts'

/** What the names of artifacts are made of; anything else is not looked up. */
const namePattern = /^[A-Za-z0-9._/-]{1,500}$/

const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/experiments/:id/artifacts',
    {
      schema: {
        operationId: 'listArtifacts',
        tags: ['artifacts'],
        summary: 'Artifacts',
        description:
          'The objects of an experiment, by name: raw tensors as they are written, manifest.json when all are.',
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
      await app.watch.find(id, request.caller)
      const found = await app.db.prisma.artifact.findMany({
        where: { experimentId: id, ...(after !== undefined && { name: { gt: after } }) },
        orderBy: { name: 'asc' },
        take: limit + 1,
      })
      const items = found.slice(0, limit).map(({ name, bytes, sha256, contentType, createdAt }) => ({
        ...{ name, bytes: Number(bytes), sha256, contentType, createdAt: createdAt.toISOString() },
        url: `/v1/experiments/${id}/artifacts/${name}`,
      }))
      const page = { items, nextCursor: found.length > limit ? encodeCursor(items[limit - 1].name) : null }
      // Of what it says: what is not kept goes after the experiment has succeeded.
      const etag = weakEtag(JSON.stringify(page))
      reply.headers({ etag, 'cache-control': 'private, no-cache' })
      if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send(null)
      return page
    },
  )

  const bytes = {
    '*/*': { schema: Type.Unsafe<unknown>({ type: 'string', contentMediaType: 'application/octet-stream' }) },
  }
  app.route({
    // HEAD as well, on its own: Fastify's would read the whole object to answer it.
    method: ['GET', 'HEAD'],
    url: '/experiments/:id/artifacts/*',
    schema: {
      operationId: 'getArtifact',
      tags: ['artifacts'],
      summary: 'Download an artifact',
      description:
        'The bytes of one object, or a range of them. The ETag is the SHA-256 of the whole object. An artifact never changes but by being written again with the same bytes. Where objects lie in S3 the answer to a GET is a redirect to a presigned URL, which knows ranges too.',
      params: ArtifactParams,
      headers: ArtifactHeaders,
      response: {
        200: { description: 'The object.', content: bytes },
        206: { description: 'The range.', content: bytes },
        304: Type.Null({ description: 'You have it.' }),
        307: Type.Null({ description: 'Where it is, for the next minutes.' }),
        ...problems(400, 404, 416),
      },
    },
    handler: async (request, reply) => {
      const { id, '*': name } = request.params
      const notFound = () => new ProblemError('not-found', 'there is no such artifact')
      if (!namePattern.test(name)) throw notFound()
      // The name is looked up as it is. Only what the table answers makes the key, never the path that was asked for.
      const { tenant } = request.caller
      const found = await app.db.prisma.artifact.findUnique({
        where: {
          experimentId_name: { experimentId: id, name },
          ...(tenant !== null && { experiment: { tenant } }),
        },
      })
      if (!found) throw notFound()
      const size = Number(found.bytes)
      const etag = `"${found.sha256}"`
      reply.headers({ etag, 'accept-ranges': 'bytes', 'cache-control': 'private, no-cache' })
      if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send(null)
      const key = objectKey(found.experimentId, found.name)
      const filename = name.slice(name.lastIndexOf('/') + 1)
      // A presigned URL is good for one method: what HEAD asks is known here.
      if (request.method === 'GET') {
        const url = await app.objects.downloadUrl(key, { contentType: found.contentType, filename })
        if (url !== undefined)
          return reply.code(307).headers({ location: url, 'cache-control': 'no-store' }).send(null)
      }

      const condition = request.headers['if-range']
      const wanted = condition === undefined || condition === etag ? request.headers.range : undefined
      const range = parseRange(wanted, size)
      if (range === 'unsatisfiable')
        throw new ProblemError('range-not-satisfiable', `the object has ${size} bytes`, {
          headers: { 'content-range': `bytes */${size}` },
        })
      const { start, end } = range ?? { start: 0, end: size }
      // Lost or cut short is a fault here, not the client's, and is told before the answer begins.
      const stored = await app.objects.stat(key)
      if (stored?.bytes !== size) throw new MissingObjectError(key)
      reply
        .code(range ? 206 : 200)
        .type(found.contentType)
        .header('content-length', end - start)
      reply.header('content-disposition', `attachment; filename="${filename}"`)
      if (range) reply.header('content-range', `bytes ${start}-${end - 1}/${size}`)
      if (request.method === 'HEAD') return reply.send()
      return reply.send(app.objects.stream(key, { start, end }))
    },
  })
}
export default routes
