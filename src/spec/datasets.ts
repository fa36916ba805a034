/**
 * The datasets that are generated from options: what the options are, and what examples follow from them, as arithmetic.
 * data/generated/ draws them.
 */
import type { DatasetFacts, Facts } from './facts.ts'

export const operations = ['add', 'subtract', 'multiply', 'divide'] as const
export const copyTasks = ['induction', 'copy'] as const

/** The options of all generated datasets, filled in as far as one has them. */
export type DatasetOptions = {
  p?: number
  operation?: (typeof operations)[number]
  fraction?: number
  digits?: number
  reversed?: boolean
  task?: (typeof copyTasks)[number]
  vocabulary?: number
  length?: number
  bits?: number
  relevant?: number
  tokens?: boolean
  classes?: number
  turns?: number
  noise?: number
}

export type OptionName = keyof DatasetOptions

type Examples = Pick<
  DatasetFacts,
  'shape' | 'classes' | 'vocabulary' | 'targets' | 'trainFile' | 'testFile' | 'defaults'
>

type Generated = {
  description: string
  /** Options with what they are when absent; undefined: they stay absent. */
  options: DatasetOptions
  /** What is wrong with options that are each of the right form: which, and in words. */
  check?: (options: DatasetOptions) => [OptionName, string] | undefined
  examples: (options: DatasetOptions) => Examples
}

/** The most examples that may be asked for of those that have no end, so that a split fits in memory. */
const most = 1_000_000

/** Of `total` different examples: default splits of 10,000 and 2,000, or four fifths and one where there are fewer. */
function finite(total: number): Pick<Examples, 'trainFile' | 'testFile' | 'defaults'> {
  const train = Math.min(10_000, Math.floor(0.8 * total))
  const defaults = { trainExamples: train, validationExamples: Math.min(2_000, total - train) }
  return { trainFile: Math.min(total, most), testFile: 0, defaults }
}
const endless = {
  trainFile: most,
  testFile: most,
  defaults: { trainExamples: 10_000, validationExamples: 2_000 },
}

const isPrime = (n: number) => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return true
}

export const generated: Record<string, Generated> = {
  'modular-arithmetic': {
    description:
      'a ∘ b modulo p as tokens [a, b, =], to be answered after the last: the task that networks grok (Power et al. 2022). Every pair once.',
    options: { p: 97, operation: 'add', fraction: 0.5 },
    check: ({ p, operation }) =>
      operation === 'divide' && !isPrime(p!)
        ? ['p', `must be a prime for divide, for every number but 0 to have an inverse; got ${p}`]
        : undefined,
    examples: ({ p, operation, fraction = 0.5 }) => {
      const pairs = p! * (operation === 'divide' ? p! - 1 : p!)
      const trainExamples = Math.min(pairs - 1, Math.max(1, Math.round(fraction * pairs)))
      return {
        ...{ shape: [3], classes: p!, vocabulary: p! + 1 },
        ...{ trainFile: pairs, testFile: 0 },
        defaults: { trainExamples, validationExamples: pairs - trainExamples },
      }
    },
  },
  addition: {
    description:
      'a + b = sum in decimal digits, tokens 0 to 9, + (10) and = (11); each digit of the sum is to be told after those before it. No pair twice.',
    options: { digits: 3, reversed: false },
    examples: ({ digits }) => ({
      ...{ shape: [3 * digits! + 2], classes: 10, vocabulary: 12, targets: digits! + 1 },
      ...finite(100 ** digits!),
    }),
  },
  'copy-and-induction': {
    description:
      'Random tokens that come again, to be told from where they were before: what induction heads do (Olsson et al. 2022). Train and validation are drawn independently.',
    options: { task: 'induction', vocabulary: 32, length: 16 },
    check: ({ task, vocabulary, length }) =>
      task === 'induction' && length! > vocabulary!
        ? [
            'length',
            `must be ≤ vocabulary (${vocabulary}) for induction, whose segments have no token twice; got ${length}`,
          ]
        : undefined,
    examples: ({ task, vocabulary: v, length: l }) => ({
      ...(task === 'copy'
        ? { shape: [2 * l!], classes: v!, vocabulary: v! + 1, targets: l! }
        : { shape: [2 * l! - 1], classes: v!, vocabulary: v!, targets: l! - 1 }),
      ...endless,
    }),
  },
  parity: {
    description: 'Whether an odd number of the bits that count are set. No example twice.',
    options: { bits: 10, relevant: undefined, tokens: false },
    check: ({ bits, relevant }) =>
      relevant !== undefined && relevant > bits!
        ? ['relevant', `must be ≤ bits (${bits}), got ${relevant}`]
        : undefined,
    examples: ({ bits, tokens }) => ({
      ...{ shape: [bits!], classes: 2, ...(tokens && { vocabulary: 2 }) },
      ...finite(2 ** bits!),
    }),
  },
  spirals: {
    description: 'Points of the plane on spirals around 0, an arm a class, with noise.',
    options: { classes: 3, turns: 1, noise: 0.05 },
    examples: ({ classes }) => ({ shape: [2], classes: classes!, ...endless }),
  },
}

/** The options of a dataset, [] where it has none. */
export const optionsOf = (name: string): OptionName[] =>
  Object.hasOwn(generated, name) ? (Object.keys(generated[name].options) as OptionName[]) : []

/** What is known of a generated dataset with the options that are given, and else with its defaults. */
export const generatedFacts = (name: string, given: DatasetOptions = {}): DatasetFacts => {
  const { description, options, examples } = generated[name]
  const own = Object.fromEntries(
    Object.entries(options).map(([option, fallback]) => [option, given[option as OptionName] ?? fallback]),
  )
  return { name, description, ...examples(own) }
}

type Named = DatasetOptions & { name?: string; sha256?: string }

/** The dataset that a spec names, as its options make it; undefined where there is none of that name. */
export function findDataset({ datasets }: Pick<Facts, 'datasets'>, dataset: Named): DatasetFacts | undefined {
  const known = datasets.find(({ name }) => name === dataset.name)
  return known && Object.hasOwn(generated, known.name) ? generatedFacts(known.name, dataset) : known
}
