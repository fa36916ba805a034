/** docs/diagnostics.md: which diagnostics there are and what their columns mean, from the registry. */
import type { Diagnostic } from '../lca/diagnostics/diagnostic.ts'
import { diagnostics } from '../lca/diagnostics/registry.ts'
import { rules } from '../lca/findings/registry.ts'
import { columnRules } from './schemas/diagnostics.ts'

const costs = {
  free: 'recorded by default',
  asked: 'recorded where it is asked for',
  reading: 'made when it is read',
  training: 'recorded where training did it',
}

const cell = (text: string) => text.replaceAll('|', '\\|')

function section(diagnostic: Diagnostic): string {
  const { name, description, cost, options = {}, figures } = diagnostic
  const given = Object.entries(options).map(([option, value]) => `\`${option}\` (${value})`)
  return [
    `## ${name}`,
    '',
    `${description}`,
    '',
    `*${costs[cost]}${given.length > 0 ? `; options and their defaults: ${given.join(', ')}` : ''}*`,
    '',
    '| column | what it is |',
    '|---|---|',
    ...columnRules(diagnostic).map(({ name, description }) => `| \`${name}\` | ${cell(description)} |`),
    ...(figures.length === 0
      ? []
      : [
          '',
          '| figure of a run | what it is |',
          '|---|---|',
          ...figures.map(figure => `| \`${name}.${figure.name}\` | ${cell(figure.description)} |`),
        ]),
  ].join('\n')
}

const findings = () =>
  [
    '## Findings',
    '',
    'Statements that the numbers of one experiment support, made when it succeeds: `GET /v1/experiments/{id}/findings`, `ledger findings ID`; the count and the three largest are in the summary. Each has its figures with an interval of 95 %, the table it is from and what one could do about it, and they are ordered by the loss at stake. Nothing is said that its interval does not carry. Intervals are for one rule each: of many runs in which there is nothing to be found, each rule speaks in a few of a hundred.',
    '',
    '| rule | from | when it speaks, and what its interval is |',
    '|---|---|---|',
    ...rules.map(({ name, table, description }) => `| \`${name}\` | \`${table}\` | ${cell(description)} |`),
  ].join('\n')

/** The whole document, in Markdown. */
export const diagnosticsDocument = (): string =>
  [
    '<!-- Written by `npm run openapi` from src/lca/diagnostics: do not edit. -->',
    '# Diagnostics',
    '',
    'What a ledger says beyond its sums. `allocation.diagnostics` of a spec names those that are recorded: `{ "curvature": false }` leaves one out that is on by default, `{ "NAME": true }` or `{ "NAME": { "every": 10 } }` asks for one. Each is a table at `GET /v1/experiments/{id}/diagnostics/{name}`, in JSON, CSV, NDJSON and Arrow, and `ledger diagnostics ID NAME` in a terminal; figures of whole runs are in the summary. θ_t are the weights before iteration t, Δ_t = θ_{t+1} − θ_t, L the mean loss of a whole split, g_t = ∇L(θ_t).',
    '',
    diagnostics.map(section).join('\n\n'),
    '',
    findings(),
    '',
  ].join('\n')
