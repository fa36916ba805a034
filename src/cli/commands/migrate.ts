import type { Command } from 'commander'
import { readConfig } from '../../config.ts'
import { UsageError } from '../exit.ts'

export default (program: Command) =>
  program
    .command('migrate')
    .description('bring the database of DATABASE_URL to what this version needs, and end')
    .addHelpText(
      'after',
      '\nserve and worker do this by themselves, where their user may. A fleet whose users may not runs it first.',
    )
    .action(async () => {
      const { databaseUrl } = readConfig()
      if (databaseUrl === undefined)
        throw new UsageError('DATABASE_URL is not set: the embedded Postgres is migrated when it is started')
      const [{ reachDatabase }, { migrateDatabase }] = await Promise.all([
        import('../../store/reach.ts'),
        import('../../store/migrate.ts'),
      ])
      await reachDatabase(databaseUrl, { queue: false })
      const applied = await migrateDatabase(databaseUrl)
      console.log(applied.length === 0 ? 'nothing was missing' : `applied\n  ${applied.join('\n  ')}`)
    })
