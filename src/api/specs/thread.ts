/** The thread in which large bodies are resolved: the entry of the pool's workers (pool.ts). */
import { once } from 'node:events'
import type { MessagePort } from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { type FieldError, SpecError } from '../../spec/errors.ts'
import type { Facts } from '../../spec/facts.ts'
import { parseJson } from '../json.ts'
import { ProblemError, type ProblemKind } from '../problem.ts'
import { type Outcome, type Question, resolveBody, type Work, type World } from './work.ts'

export type ThreadTask = {
  text: string
  work: Work
  /** The module whose `facts` know networks: functions do not travel. */
  factsModule: string
  /** Takes the question, and brings the answer. */
  port: MessagePort
}

/** Errors whose words are for the client do not travel as what they are. */
export type ThreadResult =
  | { outcome: Outcome | undefined }
  | { refused: { kind: ProblemKind | 'spec'; message: string; errors: FieldError[] | undefined } }

export default async function run({ text, work, factsModule, port }: ThreadTask): Promise<ThreadResult> {
  const { facts } = (await import(factsModule)) as { facts: Facts }
  const ask = async (question: Question) => {
    port.postMessage(question)
    const [world] = (await once(port, 'message')) as [World | undefined]
    return world
  }
  try {
    return moved({ outcome: await resolveBody(parseJson(text), work, facts, ask) })
  } catch (error) {
    if (error instanceof SpecError)
      return { refused: { kind: 'spec', message: error.message.slice(0, 1000), errors: error.errors } }
    if (error instanceof ProblemError)
      return { refused: { kind: error.kind, message: error.message, errors: error.errors } }
    throw error
  } finally {
    port.close()
  }
}

/** With the specs of a sweep, up to 64 MiB, handed over instead of copied. */
function moved(result: { outcome: Outcome | undefined }): ThreadResult {
  const { outcome } = result
  const specs = outcome?.kind === 'sweep' ? outcome.sweep.experiments.map(({ spec }) => spec) : []
  if (specs.length === 0) return result
  const transfer = { [transferableSymbol]: specs.map(({ json }) => json.buffer), [valueSymbol]: result }
  return move(transfer as never) as unknown as ThreadResult
}
