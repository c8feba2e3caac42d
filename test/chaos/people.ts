import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SSMClient, StartSessionCommand } from '@aws-sdk/client-ssm';
import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { ROOT } from '../e2e/build.ts';
import { REGION } from '../reconcile/harness.ts';
import type { Random } from '../simulation/random.ts';
import { ask, Refused, reasonOf, storedOf } from './api.ts';
import type { Book, Entry } from './book.ts';
import type { Judge } from './judge.ts';

export interface PeopleOptions {
  readonly book: Book;
  readonly judge: Judge;
  readonly random: Random;
  /** The controllers' APIs; any of them will do. */
  readonly servers: readonly string[];
  readonly awsUrl: string;
  /** Flags by which bastionctl goes to the store itself. */
  readonly place: readonly string[];
  readonly folder: string;
  /** Aborted when somebody interrupts. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

type Patch = { spec?: object; metadata?: { annotations: Record<string, string> } };

const MOST_BASTIONS = 3;
const RETRY_MS = 300;
const CLI_MS = 40_000;
const CREDENTIALS = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };

/** Somebody with a few Bastions, who asks again until there is an answer, and remembers what was acknowledged. */
export class Person {
  readonly #name: string;
  readonly #options: PeopleOptions;
  #made = 0;
  #acknowledged = 0;
  #sessions = 0;
  #isLeaving = false;

  constructor(name: string, options: PeopleOptions) {
    this.#name = name;
    this.#options = options;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** How many were opened. */
  get sessions(): number {
    return this.#sessions;
  }

  leave(): void {
    this.#isLeaving = true;
  }

  /** Until told to leave; what is under way then is finished. */
  async live(): Promise<void> {
    const { random, log } = this.#options;
    while (!this.#isLeaving) {
      try {
        await this.#act();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        log(`${this.#name}: ${error.message}`);
      }
      await pause(random.between(300, 1_500));
    }
  }

  /** Everything of theirs. */
  async deleteAll(): Promise<void> {
    for (const entry of this.#own()) await this.#delete(entry);
  }

  #own(): Entry[] {
    const own = `${this.#name}-`;
    return [...this.#options.book.entries.values()].filter(
      ({ name, isDeleted, isCreated }) => name.startsWith(own) && isCreated && !isDeleted,
    );
  }

  async #act(): Promise<void> {
    const { random } = this.#options;
    const own = this.#own();
    if (own.length === 0 || (own.length < MOST_BASTIONS && random.chance(0.4))) return this.#create();
    const entry = random.pick(own);
    const viaCli = random.chance(0.15);
    const verbs = entry.isSuspended
      ? [() => this.#suspend(entry, false, viaCli), () => this.#delete(entry)]
      : [
          () => this.#renew(entry),
          () => this.#renew(entry),
          () => this.#change(entry),
          () => this.#suspend(entry, true, viaCli),
          () => this.#connect(entry),
          () => this.#connect(entry),
          () => this.#delete(entry),
        ];
    await random.pick(verbs)();
  }

  async #create(): Promise<void> {
    const { book, random } = this.#options;
    const entry = book.open(`${this.#name}-${++this.#made}`);
    entry.revision = 1;
    const manifest = manifestOf(entry.name, random);
    book.asksToOpen(entry, Date.now());
    const made = (await this.#until((server) =>
      ask(server, 'POST', '', manifest).catch((error: unknown) => {
        // An earlier try has made it.
        if (error instanceof Refused && error.status === 409) return ask(server, 'GET', entry.name);
        throw error;
      }),
    )) as Bastion;
    book.asksToOpen(entry, Date.now());
    entry.isCreated = true;
    entry.uid = made.metadata.uid;
    entry.isUnsure = false;
    this.#acknowledges('created', entry);
  }

  async #change(entry: Entry): Promise<void> {
    if (await this.#patch(entry, { spec: { reason: reasonOf(entry.revision + 1) } })) entry.revision++;
    this.#acknowledges('changed', entry);
  }

  async #renew(entry: Entry): Promise<void> {
    const { book } = this.#options;
    book.asksToOpen(entry, Date.now());
    const annotations = { [ANNOTATION.renewedAt]: rfc3339(Date.now()) };
    const renewed = await this.#patch(entry, { metadata: { annotations } });
    if (!renewed) return;
    entry.renewedAt = renewed.metadata.annotations?.[ANNOTATION.renewedAt];
    book.asksToOpen(entry, Date.now());
    this.#acknowledges('renewed', entry);
  }

  async #suspend(entry: Entry, suspend: boolean, viaCli: boolean): Promise<void> {
    const { book } = this.#options;
    if (!suspend) book.asksToOpen(entry, Date.now());
    entry.isUnsure = true;
    if (viaCli) {
      const done = await this.#bastionctl(suspend ? 'suspend' : 'resume', entry.name);
      // A request of its may still be waiting somewhere, and nothing that is written here keeps it from taking effect.
      if (!done) return this.#delete(entry);
    } else {
      const revision = entry.revision + 1;
      if (!(await this.#patch(entry, { spec: { suspend, reason: reasonOf(revision) } }))) return;
      entry.revision = revision;
    }
    entry.isSuspended = suspend;
    entry.isUnsure = false;
    if (suspend) book.closes(entry, Date.now());
    else book.asksToOpen(entry, Date.now());
    this.#acknowledges(suspend ? 'suspended' : 'resumed', entry);
  }

  async #delete(entry: Entry): Promise<void> {
    const { book } = this.#options;
    entry.isDeletionTried = true;
    await this.#until((server) =>
      ask(server, 'DELETE', entry.name).catch((error: unknown) => {
        if (error instanceof Refused && error.status === 404) return undefined;
        throw error;
      }),
    );
    entry.isDeleted = true;
    book.closes(entry, Date.now());
    this.#acknowledges('deleted', entry);
  }

  /** A session, as the plugin of Session Manager opens it: past the controller. */
  async #connect(entry: Entry): Promise<void> {
    const found = await this.#read(entry);
    const target = found?.status?.phase === 'Ready' ? found.status.sessionTarget : undefined;
    if (target === undefined) return;
    const client = new SSMClient({
      ...{ endpoint: this.#options.awsUrl, region: REGION, credentials: CREDENTIALS, maxAttempts: 1 },
    });
    // It may have ended since.
    const opened = await client.send(new StartSessionCommand({ Target: target })).catch(() => undefined);
    client.destroy();
    if (opened) this.#sessions++;
  }

  /** @returns undefined, after it was told to the judge, where the Bastion is gone */
  async #read(entry: Entry): Promise<Bastion | undefined> {
    const found = (await this.#until((server) =>
      ask(server, 'GET', entry.name).catch((error: unknown) => {
        if (error instanceof Refused && error.status === 404) return undefined;
        throw error;
      }),
    )) as Bastion | undefined;
    this.#options.judge.read(entry, found && storedOf(found));
    if (!found) entry.isDeleted = true;
    return found;
  }

  /**
   * Each try is made on what was read before it, so that no earlier one which got no answer can still take effect after one that
   * was acknowledged.
   */
  #patch(entry: Entry, patch: Patch): Promise<Bastion | undefined> {
    return this.#until(async (server) => {
      const before = await this.#read(entry);
      if (!before) return undefined;
      const { resourceVersion } = before.metadata;
      const pinned = { ...patch, metadata: { ...patch.metadata, resourceVersion } };
      try {
        return (await ask(server, 'PATCH', entry.name, pinned)) as Bastion;
      } catch (error) {
        if (error instanceof Refused && error.status === 409) throw new Error('somebody was faster');
        throw error;
      }
    });
  }

  async #until<T>(attempt: (server: string) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt(this.#options.random.pick(this.#options.servers));
      } catch (error) {
        if (error instanceof Refused) throw error;
        await pause(RETRY_MS);
      }
    }
  }

  async #bastionctl(...words: string[]): Promise<boolean> {
    const { place, folder, signal, log } = this.#options;
    const env = { PATH: process.env['PATH'], HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' };
    try {
      const args = [join(ROOT, 'dist/bastionctl.js'), ...words, ...place];
      await promisify(execFile)(process.execPath, args, {
        ...{ env, signal, timeout: CLI_MS, killSignal: 'SIGKILL' },
      });
      return true;
    } catch (error) {
      log(`${this.#name}: bastionctl ${words.join(' ')}: ${String(error).slice(0, 400)}`);
      return false;
    }
  }

  #acknowledges(what: string, { name }: Entry): void {
    this.#acknowledged++;
    this.#options.log(`${this.#name}: ${name} ${what}`);
  }
}

function manifestOf(name: string, random: Random): object {
  const isNat = random.chance(0.6);
  const securityGroupId = isNat ? ORDINARY.natDatabaseGroup : ORDINARY.ordersGroup;
  return {
    ...{ apiVersion: 'bastion-operator.dev/v1alpha1', kind: 'Bastion', metadata: { name } },
    spec: {
      ...{ ttl: '5m', reason: reasonOf(1) },
      network: isNat
        ? { vpcId: ORDINARY.natVpc, subnetIds: [...ORDINARY.natSubnets] }
        : { vpcId: ORDINARY.isolatedVpc, subnetIds: [...ORDINARY.isolatedSubnets] },
      targets: [{ name: 'db', host: 'db.internal', port: 5432, securityGroupId }],
      ...(random.chance(0.25) && { access: { transport: 'HybridActivation' } }),
    },
  };
}
