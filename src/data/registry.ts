/** Every dataset there is: what is known of it before anything is loaded, and how its splits are loaded. */
import { generatedFacts } from '../spec/datasets.ts'
import type { DatasetFacts } from '../spec/facts.ts'
import type { ResolvedSpec } from '../spec/schema.ts'
import { cifar10Facts, loadCifar10 } from './cifar.ts'
import { DatasetError } from './errors.ts'
import type { LoadOptions, Splits } from './examples.ts'
import { generators } from './generated.ts'
import { loadMnistLike, mnistLike } from './mnist.ts'
import { drawDigits, side } from './synthetic.ts'

type Loader = (dataset: ResolvedSpec['dataset'], options: LoadOptions) => Promise<Splits>
/** `facts` is told DATASETS_DIR, or nothing where no files are to be looked at. */
type Entry = { name: string; facts: (directory?: string) => DatasetFacts; load: Loader }

const syntheticDigits: Entry = {
  name: 'synthetic-digits',
  facts: () => ({
    name: 'synthetic-digits',
    description: 'Digits drawn with random strokes, pens, maps and noise; generated, nothing to download.',
    shape: [side, side, 1],
    classes: 10,
    // There is no end to them; this one is so that a split fits in memory.
    trainFile: 1_000_000,
    testFile: 1_000_000,
    defaults: { trainExamples: 10_000, validationExamples: 2_000 },
  }),
  load: async ({ trainExamples, validationExamples, seed }, { signal }) => ({
    train: await drawDigits(seed, 'train', trainExamples, { signal }),
    validation: await drawDigits(seed, 'validation', validationExamples, { signal }),
  }),
}

const entries: Entry[] = [
  syntheticDigits,
  ...mnistLike.map(
    ({ facts, source }): Entry => ({
      name: facts.name,
      facts: () => facts,
      load: (dataset, options) => loadMnistLike(source, dataset, options),
    }),
  ),
  { name: 'cifar-10', facts: cifar10Facts, load: loadCifar10 },
  ...Object.entries(generators).map(
    ([name, generate]): Entry => ({ name, facts: () => generatedFacts(name), load: generate }),
  ),
]

/** The facts that specs are resolved against, as the files in DATASETS_DIR make them; without it, of whole datasets. */
export const datasetFacts = (directory?: string): DatasetFacts[] =>
  entries.map(({ facts }) => facts(directory))

/**
 * The examples of a resolved spec's splits, always the same for the same `dataset`. Throws DatasetError where the
 * dataset is unknown, or its files are missing and cannot be downloaded, or are not what they should be.
 */
export async function loadSplits(dataset: ResolvedSpec['dataset'], options: LoadOptions): Promise<Splits> {
  const entry = entries.find(({ name }) => name === dataset.name)
  if (!entry) {
    const known = entries.map(({ name }) => name).join(', ')
    throw new DatasetError(`There is no dataset ${dataset.name} here; datasets: ${known}`)
  }
  return entry.load(dataset, options)
}
