/** A look into a dataset: examples of each class, and how many there are of each. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import PQueue from 'p-queue'
import { DatasetError } from '../../../data/errors.ts'
import { loadSplits } from '../../../data/registry.ts'
import {
  countLabels,
  lastOf,
  pickByClass,
  type Sampled,
  sampleOf,
  shownValues,
} from '../../../data/samples.ts'
import { targetBytes, valueBytes } from '../../../data/uploads/about.ts'
import { typed } from '../../../data/uploads/stored.ts'
import { datasetKey } from '../../../objects/names.ts'
import { MissingObjectError, type Objects } from '../../../objects/objects.ts'
import { generated, optionsOf } from '../../../spec/datasets.ts'
import type { DatasetFacts } from '../../../spec/facts.ts'
import type { ResolvedSpec } from '../../../spec/resolved.ts'
import { findUpload, type Upload } from '../../../store/datasets.ts'
import { ProblemError } from '../../problem.ts'
import { DatasetParams, DatasetSamples, SamplesQuery } from '../../schemas/catalogue.ts'
import { problems, ref } from '../../schemas/common.ts'

/** Bytes of one answer's samples, labels that are read at a time, and looks that are kept. */
const mostBytes = 2 ** 20
const labelBytes = 2 ** 22
const mostKept = 24
/** Examples of one that has no end that are drawn and counted. */
const drawn = 1000

const routes: FastifyPluginAsyncTypebox = async app => {
  // One after the other: a built-in dataset is read whole, once.
  const queue = new PQueue({ concurrency: 1 })
  const kept = new Map<string, Sampled>()
  /** What was looked at before, or is looked at now; the oldest look makes room. */
  const once = async (key: string, look: () => Promise<Sampled>): Promise<Sampled> =>
    queue.add(async () => {
      const found = kept.get(key) ?? (await look())
      kept.delete(key)
      kept.set(key, found)
      for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest)
      return found
    })

  app.get(
    '/datasets/:name/samples',
    {
      schema: {
        ...{ operationId: 'getDatasetSamples', tags: ['catalogue'], summary: 'Look into a dataset' },
        description:
          'The first examples of each class, and how many examples each class has. Of a generated dataset 1000 examples are drawn and counted. One with a public home is not fetched for this: 409 until it has been trained on here.',
        params: DatasetParams,
        querystring: SamplesQuery,
        response: { 200: ref(DatasetSamples), ...problems(400, 404, 409, 410) },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const { split, n } = request.query
      const facts = app.facts.datasets.find(one => one.name === name)
      const upload = facts ? undefined : await findUpload(app.db, request.caller.owner, name)
      if (!facts && !upload) throw new ProblemError('not-found', `there is no dataset ${name}`)
      const key = JSON.stringify([upload?.sha256 ?? '', name, split, n])
      const look = upload
        ? () => lookInto(app.objects, upload, split, n)
        : () => lookAt(facts!, app.config.datasetsDir, split, n)
      const { samples, ...sampled } = await once(key, look)
      reply.header('cache-control', 'private, no-cache')
      return {
        ...{ name, split, ...sampled },
        samples: samples.map(({ index, labels, values }) => ({
          ...{ index, labels },
          pixels: values instanceof Uint8Array ? Buffer.from(values).toString('base64') : null,
          values: values instanceof Uint8Array ? null : values,
        })),
      }
    },
  )
}
export default routes

type Split = 'train' | 'test'
const fitting = (shape: number[], n: number) =>
  Math.max(1, Math.min(n, Math.floor(mostBytes / shape.reduce((a, b) => a * b, 1))))

/** An uploaded one: its labels are read, and of its values those that are shown. */
async function lookInto(objects: Objects, upload: Upload, split: Split, n: number): Promise<Sampled> {
  const { id, shape, classes, about } = upload
  const of = split === 'train' ? upload.trainExamples : upload.testExamples
  const bytes = shape.reduce((a, b) => a * b, 1) * valueBytes(about)
  const [each, places] = [targetBytes(about, classes), about?.places ?? 1]
  const regression = about?.targets === 'numbers'
  const kind = regression ? 'numbers' : about?.values === 'tokens' ? 'tokens' : 'bytes'
  const read = async (name: string, from: number, to: number, size: number) =>
    new Uint8Array(await objects.read(datasetKey(id, name), { start: from * size, end: to * size }))
  const atOnce = Math.max(1, Math.floor(labelBytes / each))
  const wanted = fitting(shape, n)
  const counts = new Array<number>(classes).fill(0)
  const picked: { index: number; labels: number[] }[] = []
  try {
    // What is shown is of the first piece: the rest only counts.
    for (let start = 0; start < of && (start === 0 || !regression); start += atOnce) {
      const labels = typed(await read(`${split}-labels`, start, Math.min(of, start + atOnce), each), kind)
      const width = regression ? classes : places
      const last = lastOf(labels, places)
      if (!regression)
        for (const [label, count] of countLabels(last, classes).entries()) counts[label] += count
      if (start > 0) continue
      const indices = regression
        ? Array.from({ length: Math.min(wanted, of) }, (_, i) => i)
        : pickByClass(last, classes, wanted)
      for (const index of indices)
        picked.push({ index, labels: Array.from(labels.subarray(index * width, (index + 1) * width)) })
    }
    const samples: Sampled['samples'] = []
    for (const { index, labels } of picked) {
      const values = typed(await read(`${split}-images`, index, index + 1, bytes), about?.values)
      samples.push({ index, labels, values: shownValues(values, shape) })
    }
    const told = regression ? { classes: null, counts: null } : { classes, counts }
    return { shape, ...told, counted: of, of, samples }
  } catch (error) {
    if (!(error instanceof MissingObjectError) && !(error instanceof RangeError)) throw error
    throw new ProblemError('gone', `${upload.name} is not in the object store any more, or not all of it`)
  }
}

/** A built-in one: drawn, or read where its files are here. Throws 409 where they are not. */
async function lookAt(facts: DatasetFacts, directory: string, split: Split, n: number): Promise<Sampled> {
  const { name, trainFile, testFile } = facts
  const file = split === 'train' ? trainFile : testFile
  const isDrawn = name === 'synthetic-digits' || Object.hasOwn(generated, name)
  const most = isDrawn ? Math.min(drawn, file) : file
  const other = isDrawn ? 1 : 0
  // Of one that is made of options, those it has for itself.
  const options = Object.fromEntries(
    optionsOf(name).flatMap(option => {
      const value = generated[name].options[option]
      return value === undefined ? [] : [[option, value]]
    }),
  )
  const dataset = {
    ...{ name, seed: 0, ...options },
    trainExamples: split === 'train' ? most : Math.max(1, other),
    validationExamples: split === 'test' ? most : other,
  } as ResolvedSpec['dataset']
  const elsewhere = new ProblemError(
    'conflict',
    `the files of ${name} are not on this machine: they are fetched when it is first trained on`,
  )
  const stop = new AbortController()
  try {
    const splits = await loadSplits(dataset, {
      directory,
      signal: stop.signal,
      // Looking is no reason to fetch gigabytes.
      onDownload: () => stop.abort(elsewhere),
    })
    const examples = split === 'train' ? splits.train : splits.validation
    return sampleOf(examples, fitting(facts.shape, n), Number.isFinite(file) && !isDrawn ? file : null)
  } catch (error) {
    if (error instanceof DatasetError) throw elsewhere
    throw error
  }
}
