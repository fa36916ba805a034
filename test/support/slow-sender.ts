/** Makes and sends the requests of slow-requests.ts in a thread of its own, so that only the API works on the main one. */
import { request } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { randomness } from './fuzz-requests.ts'
import { type SlowRequest, slowRequest } from './slow-requests.ts'

export type SenderData = { port: number; seed: number; ids: string[]; large: boolean }
export type Sent = { name: string; status: number; text: string; milliseconds: number }

const longest = 60_000

const { port, seed, ids, large } = workerData as SenderData
const random = randomness(seed)

parentPort!.on('message', async () => {
  const asked = slowRequest(random, ids, large)
  const start = performance.now()
  const answer = await send(asked).catch(error => ({ status: 0, text: String(error) }))
  const sent: Sent = { name: asked.name, ...answer, milliseconds: performance.now() - start }
  parentPort!.postMessage(sent)
})

function send({ method, path, headers, body }: SlowRequest): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    // A refused body is not read to its end, which breaks the connection: each has its own.
    const sent = request({ agent: false, host: '127.0.0.1', port, method, path, headers }, answer => {
      let text = ''
      answer.on('data', chunk => {
        if (text.length < 20_000) text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode!, text }))
    })
    sent.setTimeout(longest, () => sent.destroy(new Error(`no answer in ${longest} ms`)))
    sent.on('error', reject)
    sent.end(body)
  })
}
