import type { Command } from 'commander';
import { Option } from 'commander';
import { VERSIONS, type Version } from '../api/versions.ts';
import { type Context, connectionOptionsOf } from './context.ts';

interface Options {
  readonly to: Version;
}

export function addMigrate(program: Command, { io, offline }: Context): void {
  program
    .command('migrate')
    .description('Migrate the stored Bastions to an API version')
    .addOption(new Option('--to <version>', 'API version to store').choices(VERSIONS).makeOptionMandatory())
    .action(async ({ to }: Options, command: Command) => {
      await offline(async () => {
        const moved = await io.backups.migrate(connectionOptionsOf(command), to);
        io.stdout.write(`stored as ${to}: ${moved === 0 ? 'all of them were' : `${moved} rewritten`}\n`);
        return 0;
      });
    });
}
