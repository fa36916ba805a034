/**
 * What one device computes, for comparison with another: the full gradient of every network of the bench on a few fixed
 * examples. Writes JSON to its standard output: { device, onGpu, networks: { name: { loss, seconds, gradient } } }, the
 * gradient as base64 of float64.
 */
import { performance } from 'node:perf_hooks'
import { readConfig } from '../../src/config.ts'
import { loadEngine } from '../../src/engine/engine.ts'
import { addFullGradients, disposeBatch, makeModel, uploadSplit } from '../../src/nn/model.ts'
import { initialWeights } from '../../src/nn/training/initial.ts'
import { networkOfWork, randomExamples, works } from '../works.ts'

export type DeviceValues = {
  device: string
  onGpu: boolean
  networks: Record<string, { loss: number; seconds: number; gradient: string }>
}

const { threads, engine: name } = readConfig()
const engine = await loadEngine({ name, threads })
const found: DeviceValues = {
  device: engine.description.device,
  onGpu: engine.description.onGpu === true,
  networks: {},
}
for (const [name, work] of Object.entries(works)) {
  const network = networkOfWork(work)
  const split = uploadSplit(randomExamples(100, work), 50)
  const gradient = new Float64Array(network.parameters)
  const start = performance.now()
  const [{ loss }] = await addFullGradients(
    makeModel(network, engine.kernels),
    initialWeights(network, 0),
    [split],
    [gradient],
  )
  const seconds = (performance.now() - start) / 1e3
  split.chunks.forEach(disposeBatch)
  found.networks[name] = { loss, seconds, gradient: Buffer.from(gradient.buffer).toString('base64') }
}
process.stdout.write(JSON.stringify(found))
