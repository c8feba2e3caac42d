import type { Aws } from '../aws/aws.ts';
import { explain } from '../aws/errors.ts';
import type { Observed } from '../core/resource.ts';
import type { Kind } from '../kinds/kind.ts';

export interface Leftovers {
  readonly resources: readonly Observed[];
  /** What could not be listed: it may hold more. */
  readonly failures: readonly string[];
}

/** All of this installation that is still there in one account and region. Sessions are left out: they end with what they lead to. */
export async function findLeftovers(aws: Aws, kinds: readonly Kind[]): Promise<Leftovers> {
  const failures: string[] = [];
  const lists = kinds.map(async ({ name, list }): Promise<readonly Observed[]> => {
    if (name === 'session') return [];
    try {
      return await list(aws, undefined);
    } catch (error) {
      failures.push(`cannot list ${name}: ${explain(error)}`);
      return [];
    }
  });
  const resources = (await Promise.all(lists)).flat();
  return { resources: resources.filter(({ owned, state }) => owned && state !== 'gone'), failures };
}
