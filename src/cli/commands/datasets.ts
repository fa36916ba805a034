import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import type { DatasetFiles, DatasetOptions } from '../../../clients/typescript/src/index.ts'
import { whole as number, open } from '../connection.ts'
import { UsageError } from '../exit.ts'
import { table, whole } from '../format.ts'
import { unreadable } from '../input.ts'

type Paths = {
  images?: string
  labels?: string
  testImages?: string
  testLabels?: string
  cifar?: string[]
  cifarTest?: string[]
  npz?: string
}

export default (program: Command) => {
  const datasets = program
    .command('datasets')
    .description('the datasets that a spec can name; upload and delete yours')
    .action(async (_, command: Command) => {
      const session = open(command)
      const all = await session.ledger.datasets()
      session.print(all, shown => {
        const rows = shown.map(({ name, shape, classes, outputs, defaults, description }) => [
          name,
          shape.join('×'),
          classes === null ? `${outputs} ${outputs === 1 ? 'number' : 'numbers'}` : String(classes),
          `${whole(defaults.trainExamples)} + ${whole(defaults.validationExamples)}`,
          description,
        ])
        return table(['name', 'shape', 'classes', 'train + validation', 'what'], rows)
      })
    })

  datasets
    .command('show')
    .argument('<name>', 'its name')
    .description('how many examples each class has')
    .option('--test', 'of those to test on')
    .action(async (name: string, { test }: { test?: boolean }, command: Command) => {
      const session = open(command)
      const split = test ? 'test' : 'train'
      const [found, { classNames }] = await Promise.all([
        session.ledger.datasetSamples(name, { split, n: 1 }),
        session.ledger.dataset(name),
      ])
      session.print({ ...found, classNames }, ({ counts, counted, of, ...shown }) => {
        const head = `${whole(counted)} examples to ${split} on${of === null ? ', drawn' : ''}`
        if (counts === null) return `${head}; targets are numbers`
        const rows = counts.map((count, label) => [shown.classNames?.[label] ?? String(label), whole(count)])
        return `${head}\n${table(['class', 'examples'], rows)}`
      })
    })

  datasets
    .command('upload')
    .argument('<name>', 'what specs shall call it')
    .description(
      'upload labelled images: a pair of IDX or .npy files, a .npz, or CIFAR files; gzipped or not',
    )
    .option('--images <file>', 'IDX or .npy of values from 0 to 255, [n, height, width] or with channels')
    .option('--labels <file>', 'as many labels, IDX or .npy of integers')
    .option('--test-images <file>', 'images to validate on')
    .option('--test-labels <file>', 'their labels')
    .option(
      '--npz <file>',
      'instead of those, the arrays x and y (or x_train, y_train, x_test, …) of np.savez',
    )
    .option('--cifar <file...>', 'CIFAR’s binary files instead')
    .option('--cifar-test <file...>', 'CIFAR files to validate on')
    .option('--classes <n>', 'how many there are, if more than the labels show', number)
    .addOption(
      new Option(
        '--layout <layout>',
        'where the channels are: last or first; sequence: no image, [n, length, features]',
      ).choices(['nhwc', 'nchw', 'sequence']),
    )
    .addOption(
      new Option('--values <kind>', 'what images hold, if not bytes of 0 to 255').choices([
        ...['bytes', 'numbers', 'tokens'],
      ]),
    )
    .addOption(
      new Option('--targets <kind>', 'what labels are: classes, or numbers to be predicted').choices([
        ...['classes', 'numbers'],
      ]),
    )
    .option('--vocabulary <n>', 'tokens are below it, if more than they show', number)
    .option('--class-names <names>', 'what the classes are called, with commas between them', text =>
      text.split(',').map(name => name.trim()),
    )
    .addOption(
      new Option('--cifar100 <labels>', 'the CIFAR files are CIFAR-100’s; which labels').choices([
        'fine',
        'coarse',
      ]),
    )
    .action(async (name: string, options: Paths & DatasetOptions, command: Command) => {
      const session = open(command)
      const { classes, layout, cifar100, values, targets, vocabulary, classNames, ...paths } = options
      const dataset = await session.ledger.uploadDataset(name, await filesOf(paths), {
        ...{ classes, layout, cifar100, values, targets, vocabulary, classNames },
      })
      session.print(dataset, ({ shape, classes, outputs, values, trainFile, testFile, upload }) => {
        const what = values === 'bytes' ? 'images' : `examples (${values})`
        const targets = classes === null ? `with ${outputs} numbers to predict` : `in ${classes} classes`
        return `${name}: ${whole(trainFile ?? 0)} + ${whole(testFile ?? 0)} ${what} of ${shape.join('×')} ${targets}\nsha256 ${upload?.sha256}`
      })
    })

  datasets
    .command('delete')
    .argument('<name>', 'its name')
    .description('delete a dataset of yours that no unfinished experiment is on')
    .action(async (name: string, _, command: Command) => {
      const session = open(command)
      await session.ledger.deleteDataset(name)
      session.print({ name, deleted: true }, ({ name }) => `${name}  deleted`)
    })
}

/** The files as fetch sends them, a piece at a time. */
async function filesOf({ cifar, cifarTest, npz, ...pair }: Paths): Promise<DatasetFiles> {
  const files = (paths: string[]) => Promise.all(paths.map(fileAt))
  const { images, labels, testImages, testLabels } = pair
  const given = Object.values(pair).some(path => path !== undefined)
  if (cifar && !given && !npz)
    return { train: await files(cifar), ...(cifarTest && { test: await files(cifarTest) }) }
  const own = npz ? !images && !labels : images && labels
  if (cifar || cifarTest || !own || (testImages === undefined) !== (testLabels === undefined))
    throw new UsageError(
      'give --images and --labels, or --npz (and --test-images and --test-labels, if there are any), or --cifar (and --cifar-test)',
    )
  const tests =
    testImages && testLabels
      ? { testImages: await fileAt(testImages), testLabels: await fileAt(testLabels) }
      : {}
  if (npz) return { npz: await fileAt(npz), ...tests }
  return { images: await fileAt(images!), labels: await fileAt(labels!), ...tests }
}

/** Named like the file: errors then say which. */
async function fileAt(path: string): Promise<File> {
  const found = await stat(path).catch((error: Error) => {
    throw unreadable(path, error)
  })
  if (!found.isFile())
    throw found.isDirectory()
      ? unreadable(path, { code: 'EISDIR', message: '' })
      : new UsageError(`cannot read ${path}: it is no file`)
  return new File([await openAsBlob(path)], basename(path))
}
