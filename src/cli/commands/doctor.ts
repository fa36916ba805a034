import type { Command } from 'commander'
import { readConfig } from '../../config.ts'
import { runDoctor } from '../doctor.ts'

export default (program: Command) =>
  program
    .command('doctor')
    .description('say what TensorFlow sees on this machine, and what is missing')
    .action(async () => {
      if (!(await runDoctor(readConfig()))) process.exitCode = 1
    })
