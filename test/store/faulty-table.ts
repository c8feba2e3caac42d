import { type Item, type Query, type Table, UnansweredError } from '../../controller/store/table.ts';

/** What becomes of one call: its answer is lost, or the process ends, either before the call takes effect or after. */
export type Mishap = 'unanswered before' | 'unanswered after' | 'death before' | 'death after';

export interface FaultyTable extends Table {
  /** Lets the call so many calls from now meet this; 0 is the next one. */
  strike(callsFromNow: number, mishap: Mishap): void;
  /** Takes back what has not struck yet. */
  calm(): void;
  /** Each call waits for so many microtasks first, in turn: this is how calls of several writers interleave. */
  pace(turns: readonly number[]): void;
  /** Nothing gets through any more, and no call is answered. */
  readonly isDead: boolean;
}

/** As long as another writer takes for two entries. */
const TURNS_OF_A_QUERY = 60;

/** One process's connection to a table. */
export function createFaultyTable(table: Table): FaultyTable {
  let struck: { at: number; mishap: Mishap } | undefined;
  let turns: readonly number[] = [];
  let calls = 0;
  let isDead = false;

  async function call<T>(send: () => Promise<T>): Promise<T> {
    const index = calls++;
    await pass(turns[index % turns.length] ?? 0);
    const mishap = struck?.at === index ? struck.mishap : undefined;
    if (isDead) return new Promise(() => undefined);
    isDead = mishap === 'death before' || mishap === 'death after';
    const takesEffect = mishap !== 'unanswered before' && mishap !== 'death before';
    const answer = takesEffect ? await send() : undefined;
    if (isDead) return new Promise(() => undefined);
    if (mishap) throw new UnansweredError(`the answer was lost: ${mishap}`);
    return answer as T;
  }

  return {
    get: (key) => call(() => table.get(key)),
    query: (query) => call(() => queryOverTime(table, query, turns.length > 0)),
    put: (item, condition) => call(() => table.put(item, condition)),
    remove: (key, condition) => call(() => table.remove(key, condition)),
    strike(callsFromNow, mishap) {
      struck = { at: calls + callsFromNow, mishap };
    },
    calm() {
      struck = undefined;
    },
    pace(next) {
      turns = next;
    },
    get isDead() {
      return isDead;
    },
  };
}

/** A query is no snapshot: what it reads late may be newer than what it missed on its way. */
async function queryOverTime(table: Table, query: Query, paced: boolean): Promise<readonly Item[]> {
  const early = await table.query(query);
  if (!paced || query.limit === 1) return early;
  await pass(TURNS_OF_A_QUERY);
  const late = await table.query(query);
  const known = new Set(early.map(({ sk }) => sk));
  const missed = late.findIndex(({ sk }) => !known.has(sk));
  const pivot = String(late[missed < 0 ? late.length >> 1 : missed]?.['sk'] ?? '');
  const read = [
    ...early.filter(({ sk }) => String(sk) <= pivot),
    ...late.filter(({ sk }) => String(sk) > pivot),
  ];
  return read.slice(0, query.limit);
}

async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await undefined;
}
