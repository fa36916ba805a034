import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { DatasetFiles } from '../../../clients/typescript/src/index.ts'
import { whole as number, open } from '../connection.ts'
import { UsageError } from '../exit.ts'
import { table, whole } from '../format.ts'

type UploadOptions = {
  images?: string
  labels?: string
  testImages?: string
  testLabels?: string
  cifar?: string[]
  cifarTest?: string[]
  classes?: number
}

export default (program: Command) => {
  const datasets = program
    .command('datasets')
    .description('the datasets that a spec can name; upload and delete yours')
    .action(async (_, command: Command) => {
      const session = open(command)
      const all = await session.ledger.datasets()
      session.print(all, () => {
        const rows = all.map(({ name, shape, classes, defaults, description }) => [
          name,
          shape.join('×'),
          String(classes),
          `${whole(defaults.trainExamples)} + ${whole(defaults.validationExamples)}`,
          description,
        ])
        return table(['name', 'shape', 'classes', 'train + validation', 'what'], rows)
      })
    })

  datasets
    .command('upload')
    .argument('<name>', 'what specs shall call it')
    .description('upload labelled images: a pair of IDX or .npy files, or CIFAR files; gzipped or not')
    .option('--images <file>', 'IDX bytes, or .npy of uint8 [n, height, width] or with channels last')
    .option('--labels <file>', 'as many labels, IDX or .npy of integers')
    .option('--test-images <file>', 'images to validate on')
    .option('--test-labels <file>', 'their labels')
    .option('--cifar <file...>', 'CIFAR-10’s binary files instead')
    .option('--cifar-test <file...>', 'CIFAR files to validate on')
    .option('--classes <n>', 'how many there are, if more than the labels show', number)
    .action(async (name: string, { classes, ...paths }: UploadOptions, command: Command) => {
      const session = open(command)
      const dataset = await session.ledger.uploadDataset(name, await filesOf(paths), { classes })
      session.print(dataset, () => {
        const { shape, trainFile, testFile, upload } = dataset
        return `${name}: ${whole(trainFile ?? 0)} + ${whole(testFile ?? 0)} images of ${shape.join('×')} in ${dataset.classes} classes\nsha256 ${upload?.sha256}`
      })
    })

  datasets
    .command('delete')
    .argument('<name>', 'its name')
    .description('delete a dataset of yours that no unfinished experiment is on')
    .action(async (name: string, _, command: Command) => {
      const session = open(command)
      await session.ledger.deleteDataset(name)
      session.print({ name, deleted: true }, () => `${name}  deleted`)
    })
}

/** The files as fetch sends them, a piece at a time. */
async function filesOf({ cifar, cifarTest, ...pair }: UploadOptions): Promise<DatasetFiles> {
  const files = (paths: string[]) => Promise.all(paths.map(fileAt))
  const given = Object.values(pair).some(path => path !== undefined)
  if (cifar && !given)
    return { train: await files(cifar), ...(cifarTest && { test: await files(cifarTest) }) }
  const { images, labels, testImages, testLabels } = pair
  if (cifar || cifarTest || !images || !labels || (testImages === undefined) !== (testLabels === undefined))
    throw new UsageError(
      'give --images and --labels (and --test-images and --test-labels, if there are any), or --cifar (and --cifar-test)',
    )
  return {
    ...{ images: await fileAt(images), labels: await fileAt(labels) },
    ...(testImages && testLabels
      ? { testImages: await fileAt(testImages), testLabels: await fileAt(testLabels) }
      : {}),
  }
}

/** Named like the file: errors then say which. */
async function fileAt(path: string): Promise<File> {
  const found = await stat(path).catch((error: Error) => {
    throw new UsageError(`cannot read ${path}: ${error.message}`)
  })
  if (!found.isFile()) throw new UsageError(`cannot read ${path}: it is no file`)
  return new File([await openAsBlob(path)], basename(path))
}
