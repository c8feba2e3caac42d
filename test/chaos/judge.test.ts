import { beforeEach, describe, expect, it } from 'vitest';
import type { Thing } from '../simulation/inventory.ts';
import { Attendance } from './attendance.ts';
import { Book, type Entry } from './book.ts';
import { FAULTS, Judge, type Stored } from './judge.ts';

const LIFE_MS = 25_000;
const SECOND = 1_000;

let book: Book;
let attendance: Attendance;
let judge: Judge;
let told: string[];
beforeEach(() => {
  told = [];
  book = new Book(LIFE_MS);
  attendance = new Attendance();
  attendance.note(true, 0);
  judge = new Judge({ book, attendance, onFault: (fault, text) => told.push(`${fault}: ${text}`) });
});

const counts = () => Object.fromEntries(FAULTS.map((fault) => [fault, judge.count(fault)]));
const NOTHING = { lost: 0, outlived: 0, leaked: 0, foreign: 0 };

function thing(kind: string, id: string, more: Partial<Thing> = {}): Thing {
  const owner = 'default/p1-1';
  return { kind, id, isOurs: true, isLive: true, key: `${kind}/${owner}`, owner, text: () => id, ...more };
}

/** Created at 0 and acknowledged at once. */
function created(name = 'p1-1'): Entry {
  const entry = book.open(name);
  book.asksToOpen(entry, 0);
  Object.assign(entry, { isCreated: true, isUnsure: false, uid: `uid-${name}`, revision: 3 });
  return entry;
}

function stored(more: Partial<Stored> = {}): Stored {
  return {
    ...{
      name: 'p1-1',
      uid: 'uid-p1-1',
      revision: 3,
      isSuspended: false,
      renewedAt: undefined,
      isMarked: false,
    },
    ...more,
  };
}

describe('lost', () => {
  it('is not what stands as it was acknowledged, or is further on', () => {
    judge.read(created(), stored());
    judge.read(created(), stored({ revision: 4 }));
    expect(counts()).toEqual(NOTHING);
  });

  it.each<[string, Partial<Stored> | undefined, Partial<Entry>]>([
    ['vanished', undefined, {}],
    ['went back to an older spec', { revision: 2 }, {}],
    ['is another one of its name', { uid: 'uid-2' }, {}],
    ['is deleted, which nobody asked for', { isMarked: true }, {}],
    ['lost its renewal', {}, { renewedAt: '2026-11-30T10:00:00Z' }],
    ['has an older renewal', { renewedAt: '2026-11-30T09:00:00Z' }, { renewedAt: '2026-11-30T10:00:00Z' }],
    ['is open, and was suspended', {}, { isSuspended: true }],
    ['is there, and its deletion was acknowledged', {}, { isDeleted: true, isDeletionTried: true }],
  ])('is one that %s', (_, found, known) => {
    const entry = Object.assign(created(), known);
    judge.read(entry, found && stored(found));
    judge.read(entry, found && stored(found));
    expect(counts()).toEqual({ ...NOTHING, lost: 1 });
    expect(told).toEqual([expect.stringMatching(/^lost: p1-1: /)]);
  });

  it.each<[string, Partial<Stored> | undefined, Partial<Entry>]>([
    ['whose creation was never acknowledged', undefined, { isCreated: false }],
    ['whose deletion is under way', { isMarked: true }, { isDeletionTried: true }],
    ['whose suspension is under way', { isSuspended: true }, { isUnsure: true }],
    ['that is deleted and gone', undefined, { isDeleted: true }],
    ['that is deleted and on its way out', { isMarked: true }, { isDeleted: true }],
  ])('is none %s', (_, found, known) => {
    judge.read(Object.assign(created(), known), found && stored(found));
    expect(counts()).toEqual(NOTHING);
  });
});

describe('outlived', () => {
  /** First seen at 10 s: its life is over at 35 s. */
  function live(): Entry {
    const entry = created();
    judge.look([thing('security-group', 'sg-1')], 10 * SECOND);
    return entry;
  }

  it.each(['task', 'target-ingress', 'session'])(
    'is a %s that is open 61 s after the end, not 60',
    (kind) => {
      live();
      judge.look([thing(kind, 'one')], 95 * SECOND);
      expect(counts()).toEqual(NOTHING);
      judge.look([thing(kind, 'one')], 96 * SECOND);
      judge.look([thing(kind, 'one')], 97 * SECOND);
      expect(counts()).toEqual({ ...NOTHING, outlived: 1 });
      expect(told).toEqual([`outlived: ${kind} one of default/p1-1 is open 61 s after its end`]);
    },
  );

  it('is not what gives no access, or is on its way out', () => {
    live();
    judge.look([thing('security-group', 'sg-1'), thing('task', 'one', { isLive: false })], 900 * SECOND);
    expect(counts()).toEqual(NOTHING);
  });

  it('is after 120 s what ended while no controller could work, be it for a moment', () => {
    live();
    attendance.note(false, 50 * SECOND);
    attendance.note(true, 51 * SECOND);
    judge.look([thing('task', 'one')], 155 * SECOND);
    expect(counts()).toEqual(NOTHING);
    judge.look([thing('task', 'one')], 156 * SECOND);
    expect(counts()).toEqual({ ...NOTHING, outlived: 1 });
  });

  it('counts from a suspension or a deletion where that comes before the end', () => {
    book.closes(live(), 20 * SECOND);
    judge.look([thing('task', 'one')], 81 * SECOND);
    expect(counts()).toEqual({ ...NOTHING, outlived: 1 });
  });

  it('is not moved by a renewal within a life, which is as long as it may be', () => {
    book.asksToOpen(live(), 20 * SECOND);
    judge.look([thing('task', 'one')], 96 * SECOND);
    expect(counts()).toEqual({ ...NOTHING, outlived: 1 });
  });

  it('counts anew from what is made after a renewal that came after the end', () => {
    book.asksToOpen(live(), 40 * SECOND);
    judge.look([thing('task', 'new')], 50 * SECOND);
    judge.look([thing('task', 'new')], 135 * SECOND);
    expect(counts()).toEqual(NOTHING);
    judge.look([thing('task', 'new')], 136 * SECOND);
    expect(counts()).toEqual({ ...NOTHING, outlived: 1 });
  });

  it('counts from the renewal itself where nothing new is made', () => {
    const entry = live();
    book.asksToOpen(entry, 40 * SECOND);
    judge.look([thing('security-group', 'sg-1')], 50 * SECOND);
    expect(book.endOf(entry)).toBe(65 * SECOND);
  });

  it('is what stays open for nobody whom people know', () => {
    const ghost = thing('task', 'ghost', { owner: 'default/unheard-of' });
    judge.look([ghost], 0);
    judge.look([ghost], 61 * SECOND);
    expect(counts()).toEqual({ ...NOTHING, outlived: 1 });
  });
});

describe('leaked', () => {
  it('is what of ours is there when all is at rest', () => {
    judge.rest([thing('vpc-endpoint', 'vpce-1'), thing('vpc-endpoint', 'vpce-2', { isLive: false })], []);
    judge.rest([thing('security-group', 'theirs', { isOurs: false })], []);
    expect(counts()).toEqual({ ...NOTHING, leaked: 1 });
  });

  it("is a process or descriptors of the test's own", () => {
    judge.rest([], ['process 17: node dist/main.js', '12 more descriptors than before']);
    expect(counts()).toEqual({ ...NOTHING, leaked: 2 });
  });
});

describe('foreign', () => {
  const theirs = (text: string) => thing('iam-role', 'team', { isOurs: false, text: () => text });

  it.each<[string, Thing[]]>([
    ['changed', [theirs('another policy')]],
    ['gone', []],
  ])('is what was planted and is %s', (_, things) => {
    judge.plant([theirs('their policy')]);
    judge.look([theirs('their policy')], 0);
    expect(counts()).toEqual(NOTHING);
    judge.look(things, 1);
    expect(counts()).toEqual({ ...NOTHING, foreign: 1 });
    expect(judge.isClean).toBe(false);
  });
});
