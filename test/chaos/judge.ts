import type { Thing } from '../simulation/inventory.ts';
import type { Attendance } from './attendance.ts';
import type { Book, Entry } from './book.ts';

export const FAULTS = ['lost', 'outlived', 'leaked', 'foreign'] as const;
export type Fault = (typeof FAULTS)[number];

/** What the store says of a Bastion. */
export interface Stored {
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
  readonly isSuspended: boolean;
  readonly renewedAt: string | undefined;
  readonly isMarked: boolean;
}

/** What is promised after an end: with a controller alive all the time since, and otherwise. */
const GRACE_MS = 60_000;
const LONELY_GRACE_MS = 120_000;
const ENTRANCES = ['task', 'target-ingress', 'session'];

export interface JudgeOptions {
  readonly book: Book;
  readonly attendance: Attendance;
  /** Told once for each thing that is wrong. */
  readonly onFault?: (fault: Fault, text: string) => void;
}

/** Judges by what simulated AWS holds and what people were told, and never by what a controller says of itself. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #found = new Map<Fault, Set<string>>(FAULTS.map((fault) => [fault, new Set()]));
  readonly #planted = new Map<string, string>();
  readonly #ownerlessSince = new Map<string, number>();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  count(fault: Fault): number {
    return this.#found.get(fault)?.size ?? 0;
  }

  get isClean(): boolean {
    return FAULTS.every((fault) => this.count(fault) === 0);
  }

  /** What is there before any controller is, and nobody's to touch. */
  plant(things: readonly Thing[]): void {
    for (const thing of things) this.#planted.set(idOf(thing), thing.text());
  }

  /** At any time: what is there now. */
  look(things: readonly Thing[], now: number): void {
    this.#judgeForeign(things);
    for (const thing of things) if (thing.isOurs) this.#judgeOurs(thing, now);
  }

  /** What is stored for somebody's Bastion. @param stored undefined when there is none */
  read(entry: Entry, stored: Stored | undefined): void {
    const loss = lossOf(entry, stored);
    if (loss !== undefined) this.#say('lost', entry.name, `${entry.name}: ${loss}`);
  }

  /** After everything was deleted and all came to rest. */
  rest(things: readonly Thing[], others: readonly string[]): void {
    for (const thing of things)
      if (thing.isOurs && thing.isLive)
        this.#say('leaked', idOf(thing), `${idOf(thing)} (${thing.key}) is left`);
    for (const other of others) this.#say('leaked', other, other);
  }

  #judgeForeign(things: readonly Thing[]): void {
    const present = new Map(things.map((thing) => [idOf(thing), thing]));
    for (const [id, before] of this.#planted) {
      const text = present.get(id)?.text();
      if (text !== before) this.#say('foreign', id, `${id} was ${before} and is ${text ?? 'gone'}`);
    }
  }

  #judgeOurs(thing: Thing, now: number): void {
    const { book, attendance } = this.#options;
    const entry = book.entries.get(thing.owner?.split('/').at(-1) ?? '');
    if (entry) book.sees(entry, idOf(thing), now);
    if (!ENTRANCES.includes(thing.kind) || !thing.isLive) return;
    const end = entry ? book.endOf(entry) : this.#ownerless(thing, now);
    if (end === undefined) return;
    const graceMs = attendance.isAttended(end, now) ? GRACE_MS : LONELY_GRACE_MS;
    if (now - end <= graceMs) return;
    const late = Math.round((now - end) / 1000);
    this.#say('outlived', idOf(thing), `${idOf(thing)} of ${thing.owner} is open ${late} s after its end`);
  }

  /** Open for nobody: that has no end but the moment at which it was first seen. */
  #ownerless(thing: Thing, now: number): number {
    const since = this.#ownerlessSince.get(idOf(thing)) ?? now;
    this.#ownerlessSince.set(idOf(thing), since);
    return since;
  }

  #say(fault: Fault, id: string, text: string): void {
    const found = this.#found.get(fault);
    if (!found || found.has(id)) return;
    found.add(id);
    this.#options.onFault?.(fault, text);
  }
}

function idOf({ kind, id }: Thing): string {
  return `${kind} ${id}`;
}

function lossOf(entry: Entry, stored: Stored | undefined): string | undefined {
  if (!entry.isCreated) return undefined;
  if (entry.isDeleted) {
    const isBack = stored?.uid === entry.uid && !stored?.isMarked;
    return stored && isBack ? 'its deletion is taken back' : undefined;
  }
  if (entry.isDeletionTried) return undefined;
  if (!stored) return 'it was acknowledged and is not there';
  if (stored.uid !== entry.uid) return 'it is another one of its name';
  if (stored.isMarked) return 'it is deleted, and nobody has asked for that';
  if (stored.revision < entry.revision)
    return `it is at revision ${stored.revision}, and ${entry.revision} was acknowledged`;
  if ((stored.renewedAt ?? '') < (entry.renewedAt ?? ''))
    return `its renewal of ${entry.renewedAt} was acknowledged, and is ${stored.renewedAt ?? 'gone'}`;
  return !entry.isUnsure && stored.isSuspended !== entry.isSuspended
    ? `suspend is ${stored.isSuspended}, and ${entry.isSuspended} was acknowledged`
    : undefined;
}
