/** Datasets as the API shows them. */

import type { Format } from '../../../data/uploads/examples.ts'
import { optionsOf } from '../../../spec/datasets.ts'
import type { DatasetFacts } from '../../../spec/facts.ts'
import type { Static } from '../../../spec/type.ts'
import { bytesOf, factsOf, type Upload } from '../../../store/datasets.ts'
import type { Dataset } from '../../schemas/catalogue.ts'

type Shown = Static<typeof Dataset>

// JSON has no infinity: a generated dataset has null examples.
const countOrNull = (count: number) => (Number.isFinite(count) ? count : null)

/** A dataset that is built in, or with `upload` one that is not. */
export const showDataset = (
  { regression, numbers, ...facts }: DatasetFacts,
  upload: Shown['upload'] = null,
): Shown => ({
  ...facts,
  classes: regression ? null : facts.classes,
  outputs: regression ? facts.classes : null,
  classNames: facts.classNames ?? null,
  values:
    facts.vocabulary !== undefined ? 'tokens' : numbers || facts.shape.length !== 3 ? 'numbers' : 'bytes',
  trainFile: countOrNull(facts.trainFile),
  testFile: countOrNull(facts.testFile),
  vocabulary: facts.vocabulary ?? null,
  targets: facts.targets ?? null,
  options: optionsOf(facts.name),
  upload,
})

export function showUpload(upload: Upload): Shown {
  const { sha256, files, createdAt } = upload
  const format = upload.format as Format
  const shown = { format, sha256, bytes: bytesOf(files), createdAt: createdAt.toISOString() }
  return showDataset(factsOf(upload), shown)
}
