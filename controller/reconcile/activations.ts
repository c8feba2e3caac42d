import pLimit from 'p-limit';
import type { Activation, Bastion } from '../api/bastion.ts';
import { activationOf, recordedActivation, withActivation } from '../core/activation.ts';
import { same } from '../core/desired.ts';
import type { Life } from '../core/lifetime.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { ActivationRecord, Store } from '../store/store.ts';
import { endAfter } from './set-back.ts';

export type ActivationStore = Pick<Store, 'listActivations' | 'writeActivation'>;

export interface Recording {
  /** As far as they are on record: nothing may be open by what is not. */
  readonly lives: ReadonlyMap<ObjectName, Life>;
  /** Why some record could not be written. */
  readonly failure?: unknown;
}

/** Enough to be quick, few enough for a table that is paid by request. */
const CONCURRENT_WRITES = 8;

/**
 * The controller's own record of activations, read once in a tenure and from then on written by it alone. It counts more than what
 * the status of a Bastion says: a status can be written by others, can be lost, and can be too large to be stored.
 */
export class ActivationBook {
  readonly #store: ActivationStore;
  readonly #setBackMs: number;
  #records: Promise<Map<string, ActivationRecord>> | undefined;
  /** The same, once it has been read. */
  #known: Map<string, ActivationRecord> | undefined;

  /** @param setBackMs by how much clocks were set back until this tenure, in milliseconds */
  constructor(store: ActivationStore, setBackMs = 0) {
    this.#store = store;
    this.#setBackMs = setBackMs;
  }

  /** The Bastions as if their status said what is on record; one that nothing is on record of is taken as it is. */
  async correct(bastions: readonly Bastion[]): Promise<readonly Bastion[]> {
    await this.#load();
    return this.correctNow(bastions);
  }

  /** Until then, only the status of a Bastion says when it ends. */
  isRead(): boolean {
    return this.#known !== undefined;
  }

  /** A read that gives no answer is not waited for by the next one. */
  readAnew(): void {
    if (!this.isRead()) this.#records = undefined;
  }

  /** By what has been read so far. */
  correctNow(bastions: readonly Bastion[]): readonly Bastion[] {
    return bastions.map((bastion) => {
      const record = this.#known?.get(bastion.metadata.uid);
      return record ? withActivation(bastion, this.#timesNow(record)) : bastion;
    });
  }

  #timesNow(record: ActivationRecord): Activation {
    const endsBy = endAfter(record, this.#setBackMs);
    return { ...timesOf(record), ...(endsBy !== undefined && { endsBy }) };
  }

  /**
   * Puts the activations of these on record, before anything is made by them. One that cannot be recorded does not open; one whose
   * new end cannot be recorded ends as recorded.
   */
  async record(
    bastions: readonly Bastion[],
    lives: ReadonlyMap<ObjectName, Life>,
    now: number,
  ): Promise<Recording> {
    const records = await this.#load();
    const limit = pLimit(CONCURRENT_WRITES);
    const known = new Map(lives);
    let failure: unknown;
    const recordOne = async (bastion: Bastion) => {
      const life = lives.get(objectName(bastion));
      // Its activation is only needed until it is gone.
      if (!life || life.state === 'deleted') return;
      const record = records.get(bastion.metadata.uid);
      try {
        await this.#write(records, bastion.metadata.uid, activationOf(bastion, life, now));
      } catch (error) {
        failure = error;
        known.set(objectName(bastion), asRecorded(life, record, now, error));
      }
    };
    await Promise.all(bastions.map((bastion) => limit(() => recordOne(bastion))));
    return failure === undefined ? { lives: known } : { lives: known, failure };
  }

  async #write(records: Map<string, ActivationRecord>, uid: string, activation: Activation): Promise<void> {
    const record = records.get(uid);
    if (same(record ? timesOf(record) : {}, activation)) return;
    const version = (record?.version ?? 0) + 1;
    const setBack = this.#setBackMs > 0 ? { setBackMs: this.#setBackMs } : {};
    const next: ActivationRecord = { uid, version, ...activation, ...setBack };
    if (await this.#store.writeActivation(next, record)) {
      records.set(uid, next);
      return;
    }
    // Somebody else has written it, or an answer was lost: what stands there counts.
    this.#records = undefined;
    throw new Error('the record of its activation has changed; it is read again');
  }

  async #load(): Promise<Map<string, ActivationRecord>> {
    this.#records ??= this.#read();
    const reading = this.#records;
    try {
      const byUid = await reading;
      // The first answer counts, also where it was given up: a table that is always slow would never be read.
      if (this.#known === undefined) this.#records = reading;
      if (this.#records === reading) this.#known = byUid;
      return this.#known ?? byUid;
    } catch (error) {
      if (this.#records === reading) this.#records = undefined;
      throw error;
    }
  }

  async #read(): Promise<Map<string, ActivationRecord>> {
    const records = await this.#store.listActivations();
    return new Map(records.map((record) => [record.uid, record]));
  }
}

function timesOf({ uid: _uid, version: _version, ...times }: ActivationRecord): Activation {
  return recordedActivation(times);
}

/** What is not on record has not begun, and an end that is not on record is not moved. */
function asRecorded(life: Life, record: ActivationRecord | undefined, now: number, error: unknown): Life {
  if (life.state !== 'active') return life;
  const { activatedAt, expiresAt } = life;
  const recordedEnd = Date.parse(record?.expiresAt ?? '');
  if (Date.parse(record?.activatedAt ?? '') !== activatedAt || Number.isNaN(recordedEnd)) {
    const why = error instanceof Error ? error.message : String(error);
    return { state: 'invalid', message: `it does not open before its activation is on record: ${why}` };
  }
  const endsAt = Math.min(expiresAt, recordedEnd);
  return now < endsAt ? { ...life, expiresAt: endsAt } : { state: 'expired', activatedAt, expiredAt: endsAt };
}

/** Long after its end nothing is asked of a record any more, even where a clock was wrong. */
const KEEP_MS = 30 * 24 * 3_600_000;

/** Takes away the records of Bastions that are gone. */
export async function tidyActivations(
  store: Pick<Store, 'listActivations' | 'removeActivation'>,
  uids: () => Promise<ReadonlySet<string>>,
  now: number,
): Promise<void> {
  // Before the Bastions: each record here is of one that was there already.
  const records = await store.listActivations();
  if (records.length === 0) return;
  const present = await uids();
  for (const record of records) {
    const isOld = Date.parse(record.expiresAt ?? '') + KEEP_MS < now || record.activatedAt === undefined;
    if (isOld && !present.has(record.uid)) await store.removeActivation(record);
  }
}
