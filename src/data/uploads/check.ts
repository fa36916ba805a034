/** Whether the files of an upload make a dataset together, and what is known of it then. */
import type { FieldError } from '../../spec/errors.ts'
import type { Layout } from './arrangement.ts'
import type { Format, Images, Labels } from './examples.ts'
import { type Cifar100Labels, recordsOf } from './records.ts'

/** What arrived for a split: by the field of the form that it came in. */
export type Arrived = { images?: Images; labels?: Labels; fields: { images: string; labels: string } }

export type Checked = {
  format: Format
  shape: number[]
  classes: number
  trainExamples: number
  testExamples: number
}

/** What the sender says of the files. */
export type Said = { classes?: number; format?: Format; layout?: Layout; cifar100?: Cifar100Labels }

/** Everything that is wrong with the files as they are together, or what they are. */
export function checkArrived(train: Arrived, test: Arrived, said: Said): { errors: FieldError[] } | Checked {
  const errors: FieldError[] = []
  const wrong = (field: string, message: string) => errors.push({ path: `$.${field}`, message })
  for (const { images, labels, fields } of [train, test]) {
    if (images && !labels) wrong(fields.labels, `is required beside ${fields.images}`)
    if (labels && !images) wrong(fields.images, `is required beside ${fields.labels}`)
    if (images && labels && images.count !== labels.count)
      wrong(
        fields.labels,
        `must have as many labels as ${fields.images} has images, ${images.count}; has ${labels.count}${lastAxis(images, labels)}`,
      )
    for (const [field, format] of [
      [fields.images, images?.format],
      [fields.labels, labels?.format],
    ] as const)
      if (format && said.format && format !== said.format)
        wrong(field, `must be ${said.format}, as format says; is ${format}`)
  }
  if (!train.images && !train.labels)
    wrong('images', 'is required: images and labels, or for CIFAR files train, or npz')
  const shape = train.images?.shape ?? []
  if (train.images && test.images && test.images.shape.join() !== shape.join())
    wrong(
      test.fields.images,
      `must be images of ${shape.join(' × ')}, as ${train.fields.images} has; are ${test.images.shape.join(' × ')}`,
    )
  const format = train.images?.format ?? 'idx'
  if (said.cifar100 !== undefined && train.images && format !== 'cifar')
    wrong('cifar100', 'must be left out: it says which labels of CIFAR-100’s binary files are meant')
  if (said.layout !== undefined && format === 'cifar')
    wrong('layout', 'must be left out: CIFAR files are always of one layout')
  const largest = Math.max(0, ...[train, test].flatMap(({ labels }) => [...(labels?.first.keys() ?? [])]))
  const classes = said.classes ?? (format === 'cifar' ? recordsOf(said.cifar100).classes : largest + 1)
  for (const { labels, fields } of [train, test])
    for (const [label, at] of labels?.first ?? [])
      if (label >= classes)
        wrong(
          fields.labels,
          `must be labels from 0 to ${classes - 1}, as classes says; found ${label} at ${at}`,
        )
  if (train.labels && classes < 2)
    wrong(train.fields.labels, 'must be labels of at least two classes; all are 0')
  if (errors.length > 0) return { errors }
  return {
    ...{ format, shape, classes },
    trainExamples: train.images?.count ?? 0,
    testExamples: test.images?.count ?? 0,
  }
}

/** What helps where the images are along the last axis of their array, as MATLAB's users keep them. */
function lastAxis({ shape: [, width, channels] }: Images, { count }: Labels): string {
  if (count !== (channels > 1 ? channels : width)) return ''
  return ': where the images are along the last axis, np.moveaxis(images, -1, 0) puts them first'
}
