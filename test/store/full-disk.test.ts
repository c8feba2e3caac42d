import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Engine from 'libsql';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { VirtualClock } from '../clock.ts';
import { thing } from './subject.ts';

/** What the engine answers instead of doing it: by a part of the statement, and how often. */
const { faults } = vi.hoisted(() => ({ faults: [] as { sql: string; code: string; times: number }[] }));

vi.mock('libsql', async (original) => {
  const { default: Database } = await original<{ default: typeof Engine }>();
  const fail = (sql: string) => {
    const fault = faults.find((one) => one.times > 0 && sql.includes(one.sql));
    if (!fault) return;
    fault.times -= 1;
    throw Object.assign(new Error('the disk says no'), { code: fault.code });
  };
  class Faulty extends Database {
    override exec(sql: string) {
      fail(sql);
      return super.exec(sql);
    }
    override prepare(sql: string) {
      const statement = super.prepare(sql) as unknown as Record<'run' | 'all', (...v: unknown[]) => unknown>;
      const call =
        (name: 'run' | 'all') =>
        (...values: unknown[]) => {
          fail(sql);
          return statement[name](...values);
        };
      return { run: call('run'), all: call('all') } as never;
    }
  }
  return { default: Faulty };
});

let dataDir: string;
const clock = new VirtualClock();
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'bastion-full-'));
});
afterEach(async () => {
  faults.length = 0;
  await rm(dataDir, { recursive: true });
});

const open = () => openEmbeddedStore({ dataDir, clock, newId: randomUUID });
const names = () => readdir(join(dataDir, 'database'));
const lease = { holder: 'x', epoch: 1, beat: 1, durationMs: 20_000 };

describe('a full disk', () => {
  it.each(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'])(
    'that answers %s to the opening of the store costs its reserve, and opens it',
    async (code) => {
      await (await open()).close();
      faults.push({ sql: 'journal_mode = WAL', code, times: 1 });
      const reopened = await open();
      expect(faults[0]?.times).toBe(0);
      expect(await reopened.store.writeLease('main', lease, undefined)).toBe(true);
      await reopened.close();
      // As often as there is room made, and no more.
      faults.splice(0, 1, { sql: 'journal_mode = WAL', code, times: 2 });
      await expect(open()).rejects.toThrow(/The store in .*database/);
      expect(await names()).not.toContain('reserve');
    },
  );

  it('takes the room that the reserve had for the write, before it is taken by what makes more', async () => {
    const { store, close } = await open();
    faults.push({ sql: 'INSERT INTO items', code: 'SQLITE_FULL', times: 1 });
    faults.push({ sql: 'wal_checkpoint(RESTART)', code: 'SQLITE_FULL', times: 1 });
    expect(await store.writeLease('main', lease, undefined)).toBe(true);
    expect(faults.map(({ times }) => times)).toEqual([0, 1]);
    expect(await names()).not.toContain('reserve');
    faults.splice(0, 2, { sql: 'UPDATE items', code: 'SQLITE_FULL', times: 2 });
    expect(await store.writeLease('main', { ...lease, beat: 2 }, lease)).toBe(true);
    expect(faults[0]?.times).toBe(0);
    faults.push({ sql: 'UPDATE items', code: 'SQLITE_FULL', times: 2 });
    faults.push({ sql: 'wal_checkpoint(RESTART)', code: 'SQLITE_FULL', times: 1 });
    const failure = store.writeLease('main', { ...lease, beat: 3 }, { ...lease, beat: 2 });
    await expect(failure).rejects.toThrow(/the disk is full/);
    await close();
  });

  it.each(['SQLITE_IOERR_WRITE', 'SQLITE_IOERR_FSYNC', 'SQLITE_IOERR_SHMSIZE'])(
    'or a quota that is used up may be %s to the engine: that costs the reserve for a lease, and for nothing else',
    async (code) => {
      const { store, close } = await open();
      const fault = { sql: 'INSERT INTO items', code, times: 1 };
      faults.push(fault);
      await store.put('bastions', thing('a'), undefined);
      expect([fault.times, await names()]).toEqual([0, expect.arrayContaining(['reserve'])]);
      fault.times = 1;
      expect(await store.writeLease('main', lease, undefined)).toBe(true);
      expect(fault.times).toBe(0);
      expect(await names()).not.toContain('reserve');
      await close();
    },
  );
});
