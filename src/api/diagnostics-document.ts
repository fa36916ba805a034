/** docs/diagnostics.md: which diagnostics there are and what their columns mean, from the registry. */
import type { Diagnostic } from '../lca/diagnostics/diagnostic.ts'
import { diagnostics } from '../lca/diagnostics/registry.ts'
import { columnRules } from './schemas/diagnostics.ts'

const costs = {
  free: 'recorded by default',
  asked: 'recorded where it is asked for',
  reading: 'made when it is read',
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
  ].join('\n')
