/** Where a training begins: θ_0 as a pure function of network and seed. */
import type { Network } from '../network.ts'
import { randomStream } from '../random.ts'

/** θ_0, float32 [parameters]: each variable drawn from its own stream (seed, "weights", variable name). */
export function initialWeights(network: Network, seed: number): Float32Array {
  const theta = new Float32Array(network.parameters)
  for (const { name, offset, size, initializer } of network.variables) {
    if (initializer.name === 'zeros') continue
    if (initializer.name === 'ones') {
      theta.fill(1, offset, offset + size)
      continue
    }
    const stream = randomStream(seed, 'weights', name)
    const deviation = initializer.name === 'normal' ? initializer.deviation : Math.sqrt(2 / initializer.fanIn)
    for (let i = offset; i < offset + size; i++) theta[i] = deviation * stream.normal()
  }
  return theta
}
