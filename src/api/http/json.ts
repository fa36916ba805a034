/** JSON that is stored as text and sent as it is. */
import type { FastifyReply } from 'fastify'

/** The JSON of an object with one field more, whose value is JSON already. `object` has a field. */
export const jsonWith = (object: object, key: string, json: string): string =>
  `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(key)}:${json}}`

/** Sends what is JSON already. */
export const sendJson = (reply: FastifyReply, text: string): FastifyReply =>
  reply.type('application/json; charset=utf-8').send(text)
