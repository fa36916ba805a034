/** Whether the files of an upload make a dataset together, and what is known of it then. */
import type { FieldError } from '../../spec/errors.ts'
import type { About, TargetKind, ValueKind } from './about.ts'
import { mostClasses } from './advice.ts'
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
  /** null: bytes, and a class each. */
  about: About | null
}

/** What the sender says of the files. */
export type Said = {
  classes?: number
  format?: Format
  layout?: Layout
  cifar100?: Cifar100Labels
  values?: ValueKind
  targets?: TargetKind
  vocabulary?: number
  classNames?: string[]
}

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
  const { values = 'bytes', targets = 'classes' } = said
  if (values !== 'tokens' && (said.classes ?? 0) > mostClasses)
    wrong('classes', `must be ≤ ${mostClasses}, but where values are tokens; got ${said.classes}`)
  if (format === 'cifar' && (values !== 'bytes' || targets !== 'classes'))
    wrong(values !== 'bytes' ? 'values' : 'targets', 'must be left out: CIFAR files are bytes and classes')
  if (said.vocabulary !== undefined && values !== 'tokens')
    wrong('vocabulary', 'must be left out: it is of tokens (values=tokens)')
  if (values === 'tokens' && targets === 'numbers')
    wrong('targets', 'must be classes, or left out, where values are tokens')
  const widths = [train, test].map(({ labels }) => labels?.width)
  if (train.labels && test.labels && widths[0] !== widths[1])
    wrong(
      test.fields.labels,
      `must have ${widths[0]} numbers an example, as ${train.fields.labels} has; has ${widths[1]}`,
    )
  const [width = 1] = widths
  if (targets === 'numbers') {
    for (const field of ['classes', 'classNames'] as const)
      if (said[field] !== undefined) wrong(field, 'must be left out: targets are numbers')
    if (errors.length > 0) return { errors }
    return {
      ...{ format, shape, classes: width, ...counts(train, test) },
      about: { values, targets, ...narrowedIn(train, test) },
    }
  }
  if (values === 'tokens' && train.images && width > shape[0])
    wrong(
      train.fields.labels,
      `must be of at most ${shape[0]} places, the length of an example; has ${width}`,
    )
  const vocabulary = values === 'tokens' ? vocabularyOf(train, test, said, wrong) : undefined
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
  const { classNames } = said
  if (classNames && classNames.length !== classes)
    wrong('classNames', `must be ${classes} names, one a class; are ${classNames.length}`)
  if (errors.length > 0) return { errors }
  const plain = values === 'bytes' && classNames === undefined
  return {
    ...{ format, shape, classes, ...counts(train, test) },
    about: plain
      ? null
      : {
          ...{ values, targets },
          ...(vocabulary !== undefined && { vocabulary }),
          ...(values === 'tokens' && widths[0] !== undefined && { places: width }),
          ...(classNames && { classNames }),
          ...narrowedIn(train, test),
        },
  }
}

const counts = (train: Arrived, test: Arrived) => ({
  trainExamples: train.images?.count ?? 0,
  testExamples: test.images?.count ?? 0,
})

/** Which files had float64, where any had. */
function narrowedIn(train: Arrived, test: Arrived): { narrowed?: string[] } {
  const narrowed = [train, test].flatMap(({ images, labels, fields }) => [
    ...(images?.narrowed ? [fields.images] : []),
    ...(labels?.narrowed ? [fields.labels] : []),
  ])
  return narrowed.length > 0 ? { narrowed } : {}
}

/** What tokens are below: as it is said, or one more than the largest. */
function vocabularyOf(
  train: Arrived,
  test: Arrived,
  { vocabulary }: Said,
  wrong: (field: string, message: string) => void,
): number {
  const found = [train, test].flatMap(({ images, fields }) =>
    [...(images?.first ?? [])].map(([token, at]) => ({ token, at, field: fields.images })),
  )
  if (vocabulary === undefined) return found.reduce((most, { token }) => Math.max(most, token + 1), 2)
  const odd = found.find(({ token }) => token >= vocabulary)
  if (odd)
    wrong(
      odd.field,
      `must be tokens below ${vocabulary}, the vocabulary; found ${odd.token} at value ${odd.at}`,
    )
  return vocabulary
}

/** What helps where the images are along the last axis of their array, as MATLAB's users keep them. */
function lastAxis({ shape: [, width, channels] }: Images, { count }: Labels): string {
  if (count !== (channels > 1 ? channels : width)) return ''
  return ': where the images are along the last axis, np.moveaxis(images, -1, 0) puts them first'
}
