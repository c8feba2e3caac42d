import type { About } from '../api/about.ts';
import type { Bastion } from '../api/bastion.ts';
import { taskOf } from '../api/bastion-task.ts';
import type { Connection } from '../aws/clients.ts';
import type { ConnectionOptions } from '../cli/connection.ts';
import type { Clock } from '../machinery/clock.ts';
import type { AwsWorld } from './aws.ts';
import { DEFAULTS } from './config/defaults.ts';
import { UsageError } from './config/usage-error.ts';
import { once } from './once.ts';

/** AWS as the person who runs this process: their own credentials, in whichever AWS the Bastions are. Nothing is asked before it is needed. */
export interface Person {
  /** Which AWS that is, without a call to it. @throws UsageError when nobody says */
  about(): Promise<About>;
  /** How to call it. @throws UsageError */
  connection(): Promise<Connection>;
  /** Whose account it is, too. @throws UsageError, UnreachableError */
  aws(): Promise<AwsWorld>;
  /** @throws UsageError */
  isSimulated(): Promise<boolean>;
  /** Where a Bastion's task is, or will be. @throws UsageError */
  region(bastion: Bastion): Promise<string>;
}

export interface PersonParts {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the controller says whose Bastions these are; undefined where there is none, or it does not know. */
  readonly learn: () => Promise<About | undefined>;
}

export function openPerson(options: ConnectionOptions, parts: PersonParts): Person {
  const about = once(() => findAbout(options, parts));
  const connection = once(async () => {
    const { aws } = await about();
    // AWS's SDK takes a second to load, and most commands never call AWS.
    return (await import('./aws.ts')).connectionTo(aws);
  });
  const aws = once(async () => {
    const { aws: where, region } = await about();
    return (await import('./aws.ts')).openAws(where, region);
  });
  return {
    ...{ about, connection, aws },
    isSimulated: async () => (await about()).aws !== 'real',
    region: async (bastion) => regionOf(bastion) ?? (await about()).region,
  };
}

async function findAbout(options: ConnectionOptions, { env, learn }: PersonParts): Promise<About> {
  const learned = await learn();
  const named = options.aws === 'simulated' ? undefined : options.aws;
  const isMeant = options.aws === undefined || (options.aws === 'simulated' && learned?.aws !== 'real');
  const aws = named ?? (isMeant ? learned?.aws : undefined);
  if (aws === undefined) throw new UsageError(unknownAws(options, learned));
  return {
    aws,
    region: options.region ?? learned?.region ?? env['AWS_REGION'] ?? DEFAULTS.region,
    installation: options.installation ?? learned?.installation ?? DEFAULTS.installation,
    // Of another AWS than the one that was named it says nothing.
    ...(learned?.aws === aws ? { accountId: learned.accountId } : {}),
  };
}

function unknownAws({ aws, server }: ConnectionOptions, learned: About | undefined): string {
  if (learned) return `--aws=${aws}: these Bastions are in real AWS: say --aws=real`;
  const more = server === undefined ? ', or start the controller first: npm start' : '';
  return `nobody says in which AWS these Bastions are: say --aws=real if it is AWS itself${more}`;
}

/** Of its task, or as its manifest says. */
function regionOf(bastion: Bastion): string | undefined {
  // arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID
  return taskOf(bastion)?.arn.split(':')[3] ?? bastion.spec.region;
}
