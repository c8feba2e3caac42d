import type { Bastion } from '../api/bastion.ts';
import { applyDocument, documentFailure } from './apply.ts';
import { applyManifest } from './apply-manifest.ts';
import type { Connection } from './connection.ts';
import type { GlobalOptions } from './context.ts';
import { writeLines } from './failure.ts';
import type { CliIo } from './io.ts';
import type { Reading } from './manifests.ts';

export interface AsApplied {
  readonly bastions: readonly Bastion[];
  /** Something was wrong with others; said already. */
  readonly failed: boolean;
}

/** The Bastions as they would stand after `apply`: with all defaults, and the identity and the life of those that exist. */
export async function asApplied(
  io: CliIo,
  { api }: Pick<Connection, 'api'>,
  { documents, failures }: Reading,
  { home, namespace }: Pick<GlobalOptions, 'home' | 'namespace'>,
): Promise<AsApplied> {
  writeLines(io.stderr, failures);
  let failed = failures.length > 0;
  const bastions: Bastion[] = [];
  for (const document of documents) {
    try {
      const { bastion } = await applyDocument(document, (manifest) => {
        return applyManifest(api, manifest, { home, namespace, dryRun: true });
      });
      bastions.push(bastion);
    } catch (error) {
      failed = true;
      writeLines(io.stderr, documentFailure(document.place, error, io.program));
    }
  }
  return { bastions, failed };
}
