import { readFile } from 'node:fs/promises';
import { UsageError } from './usage-error.ts';

/** The text of a file that a flag names. @throws UsageError naming both */
export async function readFlagFile(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${flag}: ${path} cannot be read: ${why}`, { cause: error });
  }
}
