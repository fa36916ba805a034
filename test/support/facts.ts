/** Facts for tests of the spec: fully connected networks over 28×28 grey images, and no dependency on nn/ or data/. */
import { SpecError } from '../../src/spec/errors.ts'
import type { DatasetFacts, Facts, NetworkFacts, VariableFacts } from '../../src/spec/facts.ts'

const images = { shape: [28, 28, 1], classes: 10 }

export const mnistFacts: DatasetFacts = {
  name: 'mnist',
  description: 'Handwritten digits.',
  ...images,
  trainFile: 60_000,
  testFile: 10_000,
  defaults: { trainExamples: 55_000, validationExamples: 5_000 },
}

export const syntheticFacts: DatasetFacts = {
  name: 'synthetic-digits',
  description: 'Drawn digits.',
  ...images,
  trainFile: 1_000_000,
  testFile: 1_000_000,
  defaults: { trainExamples: 10_000, validationExamples: 2_000 },
}

/** The variables of features-hidden…-classes, fc_1/kernel, fc_1/bias, fc_2/kernel, … */
export function fcFacts(features: number, hidden: number[], classes: number): NetworkFacts {
  const widths = [features, ...hidden, classes]
  const variables: VariableFacts[] = []
  let offset = 0
  const add = (layer: string, role: string, shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    variables.push({ name: `${layer}/${role}`, layer, shape, offset, size, kind: 'dense' })
    offset += size
  }
  for (let i = 1; i < widths.length; i++) {
    add(`fc_${i}`, 'kernel', [widths[i - 1], widths[i]])
    add(`fc_${i}`, 'bias', [widths[i]])
  }
  return {
    variables,
    layers: [...new Set(variables.map(variable => variable.layer))],
    parameters: offset,
    gradientFlops: 6 * offset,
    bytesPerExample: 4 * (features + 2 * hidden.reduce((a, b) => a + b, classes)),
    batchNorm: false,
    classes,
  }
}

export const facts: Facts = {
  datasets: [syntheticFacts, mnistFacts],
  network: (architecture, { shape, classes }) => {
    if (architecture.name !== 'fc') throw new Error(`these facts know fc only, got ${architecture.name}`)
    const { hidden } = architecture
    // Stands for an architecture that does not fit the examples.
    if (hidden[0] === 13)
      throw new SpecError([{ path: '$.architecture.hidden[0]', message: 'must not be 13' }])
    return fcFacts(
      shape.reduce((a, b) => a * b, 1),
      hidden,
      classes,
    )
  },
  chunkSize: (_, examples) => Math.ceil(examples / 2),
}
