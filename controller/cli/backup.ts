import type { Command } from 'commander';
import { type Context, connectionOptionsOf } from './context.ts';
import { CliError, writeLines } from './failure.ts';
import type { CliIo } from './io.ts';
import { createProgress } from './progress.ts';

interface BackupOptions {
  readonly filename?: string;
}

interface RestoreOptions {
  readonly filename: string;
}

export function addBackup(program: Command, { io, offline }: Context): void {
  program
    .command('backup')
    .description('Write a backup of the store')
    .option(
      '-f, --filename <file>',
      'File to write; replaced only once the backup is complete (default: stdout)',
    )
    .action(async ({ filename }: BackupOptions, command: Command) => {
      await offline(() => backup(io, filename, command));
    });
}

export function addRestore(program: Command, { io, offline }: Context): void {
  program
    .command('restore')
    .description('Restore a backup into an empty store, before starting a controller on it')
    .requiredOption('-f, --filename <file>', 'Backup to restore; - for standard input')
    .action(async ({ filename }: RestoreOptions, command: Command) => {
      await offline(() => restore(io, filename, command));
    });
}

async function backup(io: CliIo, filename: string | undefined, command: Command): Promise<number> {
  const { text, bastions } = await io.backups.take(connectionOptionsOf(command));
  if (filename === undefined || filename === '-') {
    io.stdout.write(text);
    await io.stdout.flush?.();
  } else await io.saveFile(filename, text);
  writeLines(io.stderr, [`backed up: ${counted(bastions)}`]);
  return 0;
}

async function restore(io: CliIo, filename: string, command: Command): Promise<number> {
  const text = await read(io, filename);
  const progress = createProgress(io);
  try {
    const tell = (what: string) => progress.show(what);
    const { takenAt, bastions } = await io.backups.restore(connectionOptionsOf(command), text, tell);
    progress.clear();
    io.stdout.write(`restored: ${counted(bastions)} as of ${takenAt}\n`);
    return 0;
  } finally {
    progress.clear();
  }
}

async function read(io: CliIo, filename: string): Promise<string> {
  if (filename === '-') return io.stdin();
  try {
    return await io.readFile(filename);
  } catch (error) {
    throw new CliError(
      `${filename} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function counted(bastions: number): string {
  return `${bastions} Bastion${bastions === 1 ? '' : 's'}`;
}
