/**
 * What diagnostics cost beside the allocation that they explain: `npm run bench -- --diagnostics [--only NAME,…]` measures
 * each, and all free ones together, alternating with none, iteration by iteration in one loop.
 *
 * What an iteration takes is from one step to the next: the consumers of the first and the gradients of the second, so that
 * what a diagnostic leaves behind in caches and garbage is counted. Beside it, what is less noisy on a machine that does other
 * things too: the processor's time inside the diagnostic alone, as a share of that of an iteration without any, a thread's.
 * On a GPU, where that says nothing, of the time it takes. The aggregates are made in all of them, as in a worker.
 */
import os from 'node:os'
import { performance } from 'node:perf_hooks'
import { mean, median, quantile } from 'd3-array'
import type { Engine } from '../src/engine/engine.ts'
import { makeAggregator } from '../src/lca/aggregate.ts'
import { allocate, type Step } from '../src/lca/allocate.ts'
import { type AskedDiagnostic, followDiagnostics, networkOf } from '../src/lca/diagnostics/follow.ts'
import { recorded } from '../src/lca/diagnostics/registry.ts'
import { makeNeurons } from '../src/lca/neurons.ts'
import { disposeBatch, makeModel, uploadSplit } from '../src/nn/model.ts'
import { autoChunkSize } from '../src/nn/network.ts'
import { makeProbes } from '../src/nn/probes.ts'
import { initialWeights } from '../src/nn/train.ts'
import { networkOfWork, randomExamples, straightPath, type Work } from './works.ts'

/** Half of what lies between the quartiles. */
const spread = (values: number[]) => (quantile(values, 0.75)! - quantile(values, 0.25)!) / 2
/** Rounds that only warm up: the compiler sees every loop. */
const warmUp = 2

/** What is measured beside none: each of the names, or each free one and all of them. Throws where there is none of a name. */
function chosenOf(only: string[] | undefined): { title: string; asked: AskedDiagnostic[] }[] {
  const asked = recorded.map(diagnostic => ({ diagnostic, options: { ...diagnostic.options } }))
  const named = (name: string) => {
    const found = asked.find(({ diagnostic }) => diagnostic.name === name)
    if (!found) throw new Error(`--only takes ${recorded.map(({ name }) => name).join(', ')}, got ${name}`)
    return { title: name, asked: [found] }
  }
  if (only) return only.map(named)
  const free = asked.filter(({ diagnostic }) => diagnostic.cost === 'free')
  return [...free.map(({ diagnostic }) => named(diagnostic.name)), { title: 'all free ones', asked: free }]
}

export async function measureDiagnostics(
  work: Work,
  { description, kernels }: Engine,
  { rounds, examples: wanted, only }: { rounds: number; examples?: number; only?: string[] },
): Promise<void> {
  const examples = wanted ?? work.examples[description.name]
  const network = networkOfWork(work)
  const { variables, parameters } = network
  const model = makeModel(network, kernels)
  const split = uploadSplit(randomExamples(examples, work), autoChunkSize(network, examples))
  const device = { train: split }
  const chosen = [{ title: 'none', asked: [] }, ...chosenOf(only)]
  const steps = warmUp + rounds
  const measured = chosen.map(({ title, asked }) => ({
    title,
    every: asked.some(({ options }) => (options.every ?? 1) > 1),
    aggregator: makeAggregator(variables, steps, ['train']),
    neurons: makeNeurons(variables, ['train']),
    diagnostics: followDiagnostics(asked, {
      ...{ network: networkOf(variables), splits: ['train'], from: 0, to: steps, iterations: steps },
      ...{ probes: makeProbes(model, device), signal: new AbortController().signal },
    }),
    taken: 0,
    seconds: [] as number[],
    /** Of the processor, over all threads: an iteration, and the diagnostic in it. */
    processor: [] as number[],
    inside: [] as number[],
  }))

  /** Of one that is to see every step of its own, one after the other. */
  const consume = async (one: (typeof measured)[number], step: Step) => {
    const own = { ...step, iteration: one.taken++ }
    one.aggregator.step(own)
    one.neurons.step(own)
    const start = process.cpuUsage()
    await one.diagnostics.step(own)
    one.inside.push(processorSeconds(start))
  }
  const iterations = steps * chosen.length + 1
  // What allocation itself does for those that look at chunks is in every iteration, those without included.
  const wantsChunks = chosen.some(({ asked }) => asked.some(({ diagnostic }) => diagnostic.takesChunks))
  const options = {
    method: 'simpson',
    maxError: 1e6,
    maxSplits: 1,
    from: 0,
    to: iterations,
    wantsChunks,
  } as const
  let at = 0
  let last: { one: (typeof measured)[number]; start: number; usage: NodeJS.CpuUsage } | undefined
  for await (const step of allocate(model, device, straightPath(initialWeights(network, 0)), options)) {
    const start = performance.now()
    last?.one.seconds.push((start - last.start) / 1e3)
    last?.one.processor.push(processorSeconds(last.usage))
    if (at === steps * chosen.length) break
    // Another order in each round: what comes after what shall not matter.
    const [round, place] = [Math.floor(at / chosen.length), at % chosen.length]
    const one = measured[(place * (round % 2 === 0 ? 1 : -1) + round + chosen.length) % chosen.length]
    at++
    last = { one, start, usage: process.cpuUsage() }
    await consume(one, step)
  }
  split.chunks.forEach(disposeBatch)

  const [none, ...others] = measured.map(one => ({
    ...one,
    seconds: one.seconds.slice(warmUp),
    processor: one.processor.slice(warmUp),
    inside: one.inside.slice(warmUp),
  }))
  const base = median(none.seconds)!
  const { onGpu, threads } = description
  const ofProcessor = onGpu ? base : Math.min(base, median(none.processor)! / threads)
  console.log(
    `  ${work.title}: ${examples} examples, ${parameters} parameters; ${base.toFixed(3)} s an iteration without (${ofProcessor.toFixed(3)} s of each thread; ± ${percent(spread(none.seconds) / base)} between them), ${rounds} rounds; load ${os.loadavg()[0].toFixed(1)}`,
  )
  for (const { title, every, seconds, inside } of others) {
    const ratios = seconds.map((value, round) => value / none.seconds[round])
    const noise = spread(ratios)
    const own = every ? mean(inside)! : median(inside)!
    console.log(
      `    ${title.padEnd(16)}${(every ? mean(ratios)! : median(ratios)!).toFixed(3)}× (± ${noise.toFixed(3)})`.padEnd(
        46,
      ),
      `inside ${(1e3 * own).toFixed(2).padStart(8)} ms: ${percent(own / ofProcessor)}${every ? ', mean of all iterations' : ''}`,
    )
  }
}

const processorSeconds = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(2)} %`
