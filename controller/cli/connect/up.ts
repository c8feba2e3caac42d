import { ANNOTATION } from '../../api/bastion.ts';
import { rfc3339 } from '../../machinery/clock.ts';
import { applyDocument, documentFailure } from '../apply.ts';
import { applyManifest } from '../apply-manifest.ts';
import type { Connection } from '../connection.ts';
import type { GlobalOptions } from '../context.ts';
import { CliError, hintLines, writeLines } from '../failure.ts';
import type { CliIo } from '../io.ts';
import { readManifests } from '../manifests.ts';
import { fullName } from '../resource-type.ts';
import { command, type Naming } from './life.ts';

export interface UpRequest extends Pick<GlobalOptions, 'namespace' | 'home'> {
  readonly files: readonly string[];
  /** Must be the manifest's, when it is given. */
  readonly name: string | undefined;
}

/** Applies the one manifest, and opens what is suspended or has expired. Undefined when it was told what is wrong. @throws CliError */
export async function bringUp(
  io: CliIo,
  { api }: Pick<Connection, 'api'>,
  { files, name, namespace, home }: UpRequest,
): Promise<Naming | undefined> {
  const { documents, failures } = await readManifests(io, files);
  writeLines(io.stderr, failures);
  const [document, ...more] = documents;
  if (failures.length > 0) return undefined;
  if (!document || more.length > 0) {
    throw new CliError(
      '--up needs a file with one Bastion',
      'apply several with: bastionctl apply -f FILE, then connect to one',
    );
  }
  if (document.ok && name !== undefined && document.manifest.metadata.name !== name) {
    const found = document.manifest.metadata.name;
    throw new CliError(
      `the manifest is for "${found}", not for "${name}"`,
      'leave the name out, or name that file',
    );
  }
  try {
    const { bastion, verb, warnings } = await applyDocument(document, (manifest) =>
      applyManifest(api, manifest, { namespace, home, dryRun: false }),
    );
    writeLines(io.stderr, [...warnings, `${fullName(bastion)} ${verb}`]);
    const naming = { namespace: bastion.metadata.namespace, name: bastion.metadata.name };
    const isExpired = bastion.status?.phase === 'Expired' && verb !== 'created';
    const renewal = { metadata: { annotations: { [ANNOTATION.renewedAt]: rfc3339(io.clock.now()) } } };
    if (bastion.spec.suspend)
      await api.bastions.patch(naming.namespace, naming.name, { spec: { suspend: false } });
    else if (isExpired) await api.bastions.patch(naming.namespace, naming.name, renewal);
    return naming;
  } catch (error) {
    writeLines(io.stderr, documentFailure(document.place, error, io.program));
    return undefined;
  }
}

/** What was brought up goes down again, whatever came between. @returns whether it did */
export async function bringDown(
  io: CliIo,
  { api }: Pick<Connection, 'api'>,
  naming: Naming,
): Promise<boolean> {
  try {
    const bastion = await api.bastions.patch(naming.namespace, naming.name, { spec: { suspend: true } });
    io.stderr.write(`${fullName(bastion)} suspended\n`);
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    writeLines(io.stderr, [
      `error: bastion "${naming.name}" was not suspended: ${why}`,
      ...hintLines(`it stays open until it expires; close it: ${command('suspend', naming)}`, io.program),
    ]);
    return false;
  }
}
