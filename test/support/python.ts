/** Where Python has what its package needs: LEDGER_PYTHON, the environment that .ci/run makes, or python3 itself. */
import { spawnSync } from 'node:child_process'

export type Python = { command: string } | { missing: string }

/** The first Python that can import all of these; else what is missing, in a line for whoever reads what was skipped. */
export function findPython(modules: string[]): Python {
  const { LEDGER_PYTHON } = process.env
  const commands = LEDGER_PYTHON ? [LEDGER_PYTHON] : ['.ledger/python/bin/python', 'python3']
  const script = `import sys; assert sys.version_info >= (3, 10), 'Python 3.10'; import ${modules.join(', ')}`
  let missing = 'there is no python3'
  for (const command of commands) {
    const { status, stderr, error } = spawnSync(command, ['-c', script], { encoding: 'utf8' })
    if (status === 0) return { command }
    if (!error) missing = `${command}: ${stderr.trim().split('\n').at(-1)}`
  }
  return { missing: `${missing}; .ci/run installs what it takes` }
}

/** The folder of the package, for PYTHONPATH. */
export const pythonSources = 'clients/python/src'
