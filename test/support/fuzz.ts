/**
 * Requests that nobody means well, by the thousand and from a seed: specs that are nearly right, parameters of every wrong
 * kind, names that climb, numbers without end. Nothing of it may be answered with a 5xx, hang, tell of the inside, break
 * the contract, or stay behind.
 */
import assert from 'node:assert/strict'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { startApi } from './api.ts'
import { check } from './conformance.ts'
import { makeRequest, type Request, randomness } from './fuzz-requests.ts'

// What hangs: on a machine that is busy with other things an answer may take seconds.
const longest = 60_000
/** What only the inside knows: stack traces, files, the database's own words. */
const leaks =
  /\bat \S+ \(|node:internal|node_modules|\.[jt]s:\d|relation "|syntax error|violates|SQLSTATE|Prisma|\/dist\//

export type FuzzResult = { sent: number; statuses: Record<number, number> }

type Answer = { status: number; headers: IncomingHttpHeaders; text: string }

/** Sends `count` requests made from `seed`. Throws with the request that went wrong. */
export async function fuzz(seed: number, count: number): Promise<FuzzResult> {
  const api = await startApi({ LOG_LEVEL: 'silent' })
  const { port } = api.app.server.address() as { port: number }
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const random = randomness(seed)
  const ids: string[] = []
  const statuses: Record<number, number> = {}
  let sent = 0
  const worker = async () => {
    while (sent < count) {
      const number = sent++
      const asked = makeRequest(random, ids)
      const what = () => `seed ${seed}, request ${number}: ${JSON.stringify(asked).slice(0, 2000)}`
      const { status, headers, text } = await send(agent, port, asked).catch(error =>
        assert.fail(`${what()}\n${error}`),
      )
      statuses[status] = (statuses[status] ?? 0) + 1
      assert.ok(status < 500, `${status} for ${what()}\n${text.slice(0, 1000)}`)
      assert.doesNotMatch(text.replaceAll(asked.body ?? '\0', ''), leaks, what())
      assert.ok(!text.includes(api.directory), what())
      const isJson = /^application\/(problem\+)?json/.test(headers['content-type'] ?? '')
      const body = isJson && text !== '' ? JSON.parse(text) : text
      const { problem } = check({ ...asked, status, headers: headers as Record<string, string>, body })
      assert.equal(problem, undefined, what())
      if (status === 202 && !ids.includes(body.id)) ids.push(body.id)
    }
  }
  try {
    await Promise.all(Array.from({ length: 12 }, worker))
    // A sweep takes its experiments along; whatever is not of the one kind is of the other.
    for (const id of ids) await api.http.delete(`/v1/sweeps/${id}`)
    for (const id of ids) await api.http.delete(`/v1/experiments/${id}`)
    const tables = [
      'experiments',
      'segments',
      'variables',
      'artifacts',
      'deliveries',
      'sweeps',
      'datasets',
      'api_keys',
    ]
    for (const table of tables) {
      const { rows } = await api.db.pool.query(`SELECT count(*)::int AS count FROM ${table}`)
      assert.equal(rows[0].count, 0, `seed ${seed} left rows in ${table}`)
    }
    await api.http.get('/readyz').expect(200)
  } finally {
    agent.destroy()
    await api.close()
  }
  return { sent, statuses }
}

function send(agent: Agent, port: number, { method, path, headers, body }: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, answer => {
      const chunks: Buffer[] = []
      const done = () => {
        clearTimeout(timer)
        resolve({ status: answer.statusCode!, headers: answer.headers, text: String(Buffer.concat(chunks)) })
      }
      answer.on('data', chunk => {
        chunks.push(chunk)
        // A stream of events goes on until its experiment ends.
        if (answer.headers['content-type'] !== 'text/event-stream') return
        done()
        sent.destroy()
      })
      answer.on('end', done)
    })
    const timer = setTimeout(() => {
      reject(new Error(`no answer in ${longest} ms`))
      sent.destroy()
    }, longest)
    sent.on('error', reject)
    sent.end(body)
  })
}
