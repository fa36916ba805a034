import type { Command } from 'commander'
import type { Experiment } from '../../../clients/typescript/src/index.ts'
import { unbalancedLines } from '../balance.ts'
import { experimentId, idHelp, open } from '../connection.ts'
import { ExitWith, exitCodes } from '../exit.ts'
import { findingLines } from '../findings.ts'
import {
  bytesInWords,
  duration,
  helpHeader,
  minus,
  percentOr,
  short,
  signed,
  table,
  whole,
} from '../format.ts'
import { describePlace } from '../place.ts'

export default (program: Command) =>
  program
    .command('show')
    .argument('<experiment>', idHelp)
    .description('an experiment: its status, what was asked for, what came of it')
    .action(async (typed: string, _, command: Command) => {
      const session = open(command)
      const experiment = await session.ledger.get(await experimentId(session.ledger, typed))
      session.print(experiment, describeExperiment)
    })

/** An experiment on a screen. */
export function describeExperiment(experiment: Experiment): string {
  const { id, name, status, dataset, architecture, progress, spec, error, variant, bytes } = experiment
  const { summary } = experiment
  const took =
    experiment.startedAt && experiment.finishedAt
      ? (Date.parse(experiment.finishedAt) - Date.parse(experiment.startedAt)) / 1e3
      : undefined
  const facts: [string, string | undefined | null][] = [
    ['experiment', id],
    ['name', name],
    ['variant', variant],
    ['parent', experiment.parent ? parentInWords(experiment.parent) : undefined],
    ['branches', branchesInWords(experiment.branches)],
    ['status', `${status}${took === undefined ? '' : ` in ${duration(took)}`}`],
    ['in line', experiment.queue ? describePlace(experiment.queue) : undefined],
    ['progress', summary ? undefined : `${progress.phase} ${progress.done}/${progress.total}`],
    ['what', `${architecture} on ${dataset}, ${spec.optimizer.name} ${spec.optimizer.learningRate}`],
    ['run', `${whole(spec.training.iterations)} iterations, seed ${spec.training.seed}`],
    ['ended', summary?.ended && `of ${whole(summary.ended.asked)} iterations, by ${summary.ended.policy}`],
    ['tags', inOneLine(experiment.tags)],
    ['dataset', inOneLine(spec.dataset)],
    ['network', inOneLine(spec.architecture)],
    ['optimizer', inOneLine(spec.optimizer)],
    ['layers', inOneLine(spec.layers)],
    ['training', inOneLine(spec.training)],
    ['allocation', inOneLine(spec.allocation)],
    ['keep', spec.keep.join(', ')],
    ['engine', inOneLine(experiment.engine)],
    ['worker', experiment.worker],
    ['size', `${bytesInWords(bytes.objects)} of objects, ${bytesInWords(bytes.ledger)} of ledger`],
    ['error', error?.message],
  ]
  const lines = facts.filter(([, value]) => value).map(([what, value]) => `${what.padEnd(11)} ${value}`)
  if (!summary) return lines.join('\n')
  const rows = Object.entries(summary.splits).map(
    ([split, { examples, of, loss, accuracy, lca, standardError, ...rest }]) => [
      // Older servers do not say.
      examples === undefined || of === undefined || examples === of
        ? split
        : `${split}, ${whole(examples)} of ${whole(of)}`,
      `${short(loss.initial)} → ${short(loss.final)}`,
      percentOr('none', accuracy.final),
      (lca === null ? '' : signed(lca)) +
        (typeof standardError === 'number' ? ` (s.e. ${standardError.toFixed(4)})` : ''),
      percentOr('', rest.helpFractionOfMoved),
      percentOr('', rest.helpFractionOfAll),
      minus(rest.worstResidual?.toExponential(1) ?? ''),
    ],
  )
  const header = ['split', 'loss', 'accuracy', 'LCA', ...helpHeader, 'worst residual']
  const warnings = unbalancedLines(summary.unbalanced).join('\n')
  const findings = findingLines(summary.findings).join('\n')
  return [lines.join('\n'), table(header, rows), warnings, findings].filter(Boolean).join('\n\n')
}

const parentInWords = ({ experiment, iteration, state }: NonNullable<Experiment['parent']>) =>
  `${experiment} at ${iteration}${state ? ', going on with its training' : ', from its weights'}`

/** The newest three, and how many more. Older servers do not say. */
function branchesInWords(branches: Experiment['branches'] = []): string | undefined {
  if (branches.length === 0) return undefined
  const named = branches.slice(0, 3).map(({ id, iteration, status }) => `${id} at ${iteration} (${status})`)
  const more = branches.length - named.length
  return [...named, ...(more > 0 ? [`${more >= 97 ? 'at least ' : ''}${more} more`] : [])].join(', ')
}

/** What an object says, without its punctuation; undefined where it says nothing. */
function inOneLine(object: object | null): string | undefined {
  const entries = Object.entries(object ?? {}).filter(([, value]) => value !== undefined)
  if (entries.length === 0) return undefined
  return entries
    .map(([name, value]) =>
      typeof value === 'object' ? `${name} ${JSON.stringify(value)}` : `${name} ${value}`,
    )
    .join(', ')
}

/** Ends with the code that says how an experiment ended; returns where it succeeded and its books balance. */
export function exitFor({ status, summary }: Pick<Experiment, 'status' | 'summary'>): void {
  if (status === 'failed') throw new ExitWith(exitCodes.failed)
  if (status === 'cancelled') throw new ExitWith(exitCodes.cancelled)
  if (summary?.unbalanced) throw new ExitWith(exitCodes.unbalanced)
}
