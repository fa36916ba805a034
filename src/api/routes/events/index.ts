/** What happens to an experiment, as it happens: server-sent events. */
import type { ServerResponse } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from '../../../spec/type.ts'
import { ProblemError } from '../../problem.ts'
import { ExperimentParams, problems } from '../../schemas/common.ts'
import {
  EventsHeaders,
  EventsQuery,
  eventsExample,
  SeveralQuery,
  severalExample,
} from '../../schemas/events.ts'
import { isFinished } from '../../status.ts'
import { greeting } from './frames.ts'
import { parsePosition } from './position.ts'
import { followSeveral } from './several.ts'

/** Listeners of one process, each of which holds a connection; and the streams of one tenant, where there are keys. */
const mostListeners = 20_000
const mostOfTenant = 500

const routes: FastifyPluginAsyncTypebox = async app => {
  const streams = new Map<string, number>()
  /** Counts a stream until it is closed. */
  const count = (tenant: string, out: ServerResponse) => {
    // It has gone already, and will not say so again.
    if (out.destroyed) return
    const add = (n: number) => {
      const now = (streams.get(tenant) ?? 0) + n
      if (now > 0) streams.set(tenant, now)
      else streams.delete(tenant)
    }
    add(1)
    out.once('close', () => add(-1))
  }

  /** Takes the connection over for events. undefined for a HEAD, which is answered. Throws where too many listen. */
  const open = (request: FastifyRequest, reply: FastifyReply): ServerResponse | undefined => {
    if (app.broadcasts.listeners() >= mostListeners)
      throw new ProblemError('unavailable', 'too many listen already', { headers: { 'retry-after': '60' } })
    const { owner, key } = request.caller
    if (key !== undefined && (streams.get(owner) ?? 0) >= mostOfTenant)
      throw new ProblemError(
        'too-many-requests',
        `at most ${mostOfTenant} event streams may be open at once; close some`,
        { headers: { 'retry-after': '60' } },
      )
    // no-transform, x-accel-buffering: whatever lies between must neither compress events nor collect them.
    reply
      .type('text/event-stream')
      .headers({ 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' })
    if (request.method === 'HEAD') {
      reply.send('')
      return undefined
    }
    reply.hijack()
    const out = reply.raw
    count(owner, out)
    out.writeHead(200, reply.getHeaders() as Record<string, string>)
    out.write(greeting)
    return out
  }

  app.get(
    '/experiments/events',
    {
      schema: {
        operationId: 'streamEventsOfSeveral',
        tags: ['experiments'],
        summary: 'Follow several experiments',
        description:
          'Server-sent events of up to 100 experiments on one connection: `status` for each at first, and whenever its status or progress changes; `data.id` says whose. Who comes back hears where all are by then. The stream ends when all have ended. Ids of no experiment are left out.',
        querystring: SeveralQuery,
        response: {
          200: {
            description: 'Events, until all have ended.',
            content: { 'text/event-stream': { schema: Type.String({ examples: [severalExample] }) } },
          },
          ...problems(400),
        },
      },
    },
    async (request, reply) => {
      const ids = [...new Set(request.query.id)]
      const found = await Promise.all(
        ids.map(id =>
          app.watch.find(id, request.caller).catch(error => {
            if (error instanceof ProblemError && error.kind === 'not-found') return undefined
            throw error
          }),
        ),
      )
      const out = open(request, reply)
      if (out !== undefined)
        followSeveral(
          app.watch,
          out,
          found.filter(one => one !== undefined),
        )
      return reply
    },
  )

  app.get(
    '/experiments/:id/events',
    {
      schema: {
        operationId: 'streamEvents',
        tags: ['experiments'],
        summary: 'Follow an experiment',
        description:
          'Server-sent events. `status` comes first, and whenever the status changes; `progress` as it progresses; `iteration` for every iteration and split when its segment has been recorded, which segments do in any order; `decision` after an iteration in which training acted on its ledger (training.policy). Without Last-Event-ID the iterations are those recorded from now on; with it, everything after that event, each once; 0 is the beginning. The stream ends when the experiment has, and coming back with the last id is then a 204, which tells an EventSource to stay away.',
        params: ExperimentParams,
        querystring: EventsQuery,
        headers: EventsHeaders,
        response: {
          200: {
            description: 'Events, until the experiment ends.',
            content: { 'text/event-stream': { schema: Type.String({ examples: [eventsExample] }) } },
          },
          204: Type.Null({ description: 'The experiment has ended, and you know.' }),
          ...problems(400, 404),
        },
      },
    },
    async (request, reply) => {
      const found = await app.watch.find(request.params.id, request.caller)
      const id = request.headers['last-event-id'] ?? request.query.lastEventId
      const { ended, ...from } = id === undefined ? { ended: false } : parsePosition(id)
      const { status } = found.experiment
      if (ended && isFinished(status) && 'sequence' in from && from.sequence >= found.recorded)
        return reply.code(204).send(null)
      const out = open(request, reply)
      if (out === undefined) return reply
      try {
        await app.broadcasts.join(out, found, 'sequence' in from ? from : undefined)
      } catch (error) {
        // The answer has begun: only breaking it off says that it is not whole.
        request.log.error({ err: error }, 'events broke off')
        out.destroy()
      }
    },
  )
}
export default routes
