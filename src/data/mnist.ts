/** MNIST and the datasets that are drop-in replacements for it: four IDX files of 28×28 grey images in ten classes. */
import { join } from 'node:path'
import type { DatasetFacts } from '../spec/facts.ts'
import type { ResolvedSpec } from '../spec/schema.ts'
import { ensureFiles, type PublicFile, type PublicSource } from './download.ts'
import { DatasetError } from './errors.ts'
import type { Examples, LoadOptions, Splits } from './examples.ts'
import { readIdx } from './idx.ts'
import { gather, type Selection, selectExamples } from './select.ts'

const side = 28
const classes = 10
const trainFile = 60_000
const testFile = 10_000

const file = (name: string, bytes: number, sha256: string): PublicFile => ({ name, bytes, sha256 })

/** The .gz files whose MD5s torchvision pins; these are the same files' SHA-256. */
const mnist: PublicSource = {
  dataset: 'mnist',
  homes: [
    'https://ossci-datasets.s3.amazonaws.com/mnist',
    'https://storage.googleapis.com/cvdf-datasets/mnist',
  ],
  files: [
    file(
      'train-images-idx3-ubyte',
      9_912_422,
      '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    ),
    file(
      'train-labels-idx1-ubyte',
      28_881,
      '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    ),
    file(
      't10k-images-idx3-ubyte',
      1_648_877,
      '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    ),
    file('t10k-labels-idx1-ubyte', 4_542, 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6'),
  ],
}

const fashionMnist: PublicSource = {
  dataset: 'fashion-mnist',
  homes: [
    'https://fashion-mnist.s3.eu-central-1.amazonaws.com',
    'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion',
  ],
  files: [
    file(
      'train-images-idx3-ubyte',
      26_421_880,
      '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
    ),
    file(
      'train-labels-idx1-ubyte',
      29_515,
      'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
    ),
    file(
      't10k-images-idx3-ubyte',
      4_422_102,
      '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
    ),
    file('t10k-labels-idx1-ubyte', 5_148, '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5'),
  ],
}

const factsOf = (name: string, description: string): DatasetFacts => ({
  name,
  description,
  shape: [side, side, 1],
  classes,
  trainFile,
  testFile,
  defaults: { trainExamples: 55_000, validationExamples: 5_000 },
})

/** What the registry knows of each, beside where its files come from. */
export const mnistLike: { facts: DatasetFacts; source: PublicSource }[] = [
  { facts: factsOf('mnist', 'Handwritten digits (LeCun, Cortes and Burges).'), source: mnist },
  {
    facts: factsOf('fashion-mnist', 'Articles of clothing (Xiao, Rasul and Vollgraf 2017).'),
    source: fashionMnist,
  },
]

/** The splits of an MNIST-like dataset. Throws DatasetError where a file is missing or is not what its name says. */
export async function loadMnistLike(
  source: PublicSource,
  dataset: ResolvedSpec['dataset'],
  options: LoadOptions,
): Promise<Splits> {
  const paths = await ensureFiles(join(options.directory, source.dataset), source, {
    signal: options.signal,
    onProgress: options.onDownload,
  })
  const counts = { train: dataset.trainExamples, validation: dataset.validationExamples }
  const selected = selectExamples(counts, { trainFile, testFile }, dataset.seed)

  const read = async (file: Selection['file']) => {
    const [prefix, size] = file === 'train' ? ['train', trainFile] : ['t10k', testFile]
    const images = await readIdx(paths[`${prefix}-images-idx3-ubyte`], [size, side, side])
    options.signal?.throwIfAborted()
    const labels = await readIdx(paths[`${prefix}-labels-idx1-ubyte`], [size])
    const wrong = labels.findIndex(label => label >= classes)
    if (wrong >= 0) {
      const path = paths[`${prefix}-labels-idx1-ubyte`]
      throw new DatasetError(
        `${path}: expected labels from 0 to ${classes - 1}, found ${labels[wrong]} at ${wrong}`,
      )
    }
    return { images, labels }
  }
  const files = {
    train: await read('train'),
    test: selected.validation.file === 'test' ? await read('test') : null,
  }

  const pick = ({ file, indices }: Selection): Examples => {
    const { images, labels } = files[file] ?? files.train
    return {
      count: indices.length,
      shape: [side, side, 1],
      classes,
      images: gather(images, side * side, indices),
      labels: gather(labels, 1, indices),
    }
  }
  return { train: pick(selected.train), validation: pick(selected.validation) }
}
