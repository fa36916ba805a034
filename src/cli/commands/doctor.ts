import type { Command } from 'commander'
import { readConfig } from '../../config.ts'
import { printer } from '../connection.ts'
import { exitCodes } from '../exit.ts'

export default (program: Command) =>
  program
    .command('doctor')
    .description(
      'say what TensorFlow sees on this machine, whether the services named answer, and what is missing',
    )
    .action(async (_, command: Command) => {
      // The services' clients: no other command should wait for those.
      const { describeFindings, examine } = await import('../doctor.ts')
      const config = readConfig()
      for (const words of config.unknown) console.error(words)
      const found = await examine(config)
      printer(command)(found, describeFindings)
      if (!found.ok) process.exitCode = exitCodes.fault
    })
