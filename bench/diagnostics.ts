/**
 * What diagnostics cost beside the allocation that they explain: `npm run bench -- --diagnostics [--only NAME,…]` measures
 * each free one, and all of them together (`free`), alternating with none, iteration by iteration in one loop. Those that are
 * asked for (all of them: `asked`) are measured where they are named, at every iteration, beside what the preview predicts of
 * them (spec/cost.ts); a last line says what that is with the `every` that they have by default.
 *
 * What an iteration takes is from one step to the next: the consumers of the first and the gradients of the second, so that
 * what a diagnostic leaves behind in caches and garbage is counted. Beside it, what is less noisy on a machine that does other
 * things too: the processor's time inside the diagnostic alone, as a share of that of an iteration without any, a thread's.
 * On a GPU, where that says nothing, of the time it takes. The aggregates are made in all of them, as in a worker.
 */
import os from 'node:os'
import { performance } from 'node:perf_hooks'
import { median, quantile } from 'd3-array'
import type { Examples } from '../src/data/examples.ts'
import type { Engine } from '../src/engine/engine.ts'
import { makeAggregator } from '../src/lca/aggregate.ts'
import { allocate, type Step } from '../src/lca/allocate.ts'
import { type AskedDiagnostic, followDiagnostics, networkOf } from '../src/lca/diagnostics/follow.ts'
import type { Training } from '../src/lca/diagnostics/probes.ts'
import { recorded } from '../src/lca/diagnostics/registry.ts'
import { makeNeurons } from '../src/lca/neurons.ts'
import { disposeBatch, type Model, makeModel, uploadSplit } from '../src/nn/model.ts'
import { autoChunkSize, type Network } from '../src/nn/network.ts'
import { makeProbes } from '../src/nn/probes.ts'
import { initialWeights } from '../src/nn/training/initial.ts'
import { makeReplay } from '../src/nn/training/replay.ts'
import { stateOf } from '../src/nn/training/state.ts'
import { diagnosticCosts } from '../src/spec/cost.ts'
import { resolveLayers } from '../src/spec/layers.ts'
import type { ResolvedSpec } from '../src/spec/resolved.ts'
import { networkOfWork, randomExamples, straightPath, type Work } from './works.ts'

/** Half of what lies between the quartiles. */
const spread = (values: number[]) => (quantile(values, 0.75)! - quantile(values, 0.25)!) / 2
/** Rounds that only warm up; and steps before them, for the compiler has seen every loop often enough only then. */
const warmUp = 1
const warmUpSteps = 15

type Chosen = { title: string; asked: AskedDiagnostic[] }

/** What is measured beside none: each of the names, or each free one and all of them. Throws where there is none of a name. */
function chosenOf(only: string[] | undefined): Chosen[] {
  const asked = recorded.map(diagnostic => ({
    diagnostic,
    options: { ...diagnostic.options, ...(diagnostic.options?.every && { every: 1 }) },
  }))
  const one = (name: string): Chosen => ({
    title: name,
    asked: asked.filter(({ diagnostic }) => diagnostic.name === name),
  })
  const namesOf = (cost: string) =>
    recorded.filter(diagnostic => diagnostic.cost === cost).map(({ name }) => name)
  const free = { title: 'all free ones', asked: asked.filter(({ diagnostic }) => diagnostic.cost === 'free') }
  if (!only) return [...namesOf('free').map(one), free]
  return only.flatMap(name => {
    if (name === 'free') return [free]
    if (name === 'asked') return namesOf('asked').map(one)
    if (recorded.some(diagnostic => diagnostic.name === name)) return [one(name)]
    throw new Error(`--only takes free, asked, ${recorded.map(({ name }) => name).join(', ')}, got ${name}`)
  })
}

/** As a user's: what training is replayed by, and costs are predicted from. */
const specOf = (examples: number, chunkSize: number, iterations: number) => ({
  dataset: { trainExamples: examples, validationExamples: 0 },
  optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9, schedule: { name: 'constant' } },
  layers: {},
  training: { iterations, batchSize: Math.min(100, examples), seed: 0, l2: 0 },
  allocation: { splits: ['train'], method: 'simpson', chunkSize, segmentIterations: iterations },
})

/** What the preview says that it adds to an iteration, as a share of its two gradients. */
function predictedShare(
  network: Network,
  spec: ReturnType<typeof specOf>,
  asked: AskedDiagnostic[],
  every?: number,
): number {
  const diagnostics = Object.fromEntries(
    asked.map(({ diagnostic, options }) => [diagnostic.name, { ...options, ...(every && { every }) }]),
  )
  const costs = diagnosticCosts(
    { ...spec, allocation: { ...spec.allocation, diagnostics } } as unknown as ResolvedSpec,
    network,
  )
  const flops = Object.values(costs).reduce((sum, cost) => sum + cost.flops, 0)
  const { iterations } = spec.training
  return flops / (iterations * 2 * spec.dataset.trainExamples * network.gradientFlops)
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
  const data = randomExamples(examples, work)
  const chunkSize = autoChunkSize(network, examples)
  const split = uploadSplit(data, chunkSize)
  const device = { train: split }
  const chosen = [{ title: 'none', asked: [] }, ...chosenOf(only)]
  const steps = warmUp + rounds
  const spec = specOf(examples, chunkSize, steps)
  const { signal } = new AbortController()
  const context = (iterations: number) => ({
    ...{ network: networkOf(variables), splits: ['train' as const], from: 0, to: iterations, iterations },
    ...{ probes: makeProbes(model, device, { training: trainingOf(model, spec, data) }), signal },
  })
  const measured = chosen.map(({ title, asked }) => ({
    title,
    asked,
    aggregator: makeAggregator(variables, steps, ['train']),
    neurons: makeNeurons(variables, ['train']),
    diagnostics: followDiagnostics(asked, context(steps)),
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
    if (at === 0) {
      const free = chosen.flatMap(({ asked }) => asked).filter(({ diagnostic }) => diagnostic.cost === 'free')
      const warming = followDiagnostics(
        [...new Map(free.map(one => [one.diagnostic, one])).values()],
        context(warmUpSteps),
      )
      for (let iteration = 0; iteration < warmUpSteps; iteration++) await warming.step({ ...step, iteration })
    }
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
  for (const { title, asked, seconds, inside } of others) {
    const ratios = seconds.map((value, round) => value / none.seconds[round])
    const ratio = median(ratios)!
    const own = median(inside)!
    const isFree = asked.every(({ diagnostic }) => diagnostic.cost === 'free')
    const predicted = predictedShare(network, spec, asked)
    const every = asked[0].diagnostic.options?.every
    const more = isFree
      ? `inside ${(1e3 * own).toFixed(2).padStart(8)} ms: ${percent(own / ofProcessor)}`
      : `predicted ${(1 + predicted).toFixed(3)}×: the measured rest is ${((ratio - 1) / predicted).toFixed(2)} of it${
          every
            ? `; every ${every}, as by default, ${percent((ratio - 1) / every)} of allocation, predicted ${percent(predicted / every)}`
            : ''
        }`
    console.log(
      `    ${title.padEnd(16)}${ratio.toFixed(3)}× (± ${spread(ratios).toFixed(3)})`.padEnd(46),
      more,
    )
  }
}

/** A training that goes along the bench's path: its batches' gradients are computed, and SGD's state goes on. */
function trainingOf(model: Model, spec: ReturnType<typeof specOf>, data: Examples): Training {
  const full = spec as unknown as ResolvedSpec
  const layers = resolveLayers(full, model.network)
  let parts: ReturnType<typeof makeReplay> | undefined
  return {
    seed: 0,
    learningRate: () => spec.optimizer.learningRate,
    async parts(iteration, theta) {
      parts ??= makeReplay(model, full, layers, data, {
        ...{ iteration: 0, state: stateOf(layers, model.network.parameters) },
      })
      return parts(iteration, theta)
    },
  }
}

const processorSeconds = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(2)} %`
