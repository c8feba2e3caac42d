import { StoreUnavailableError } from '../../controller/store/store.ts';
import { type Item, type Query, type Table, UnansweredError } from '../../controller/store/table.ts';
import type { MemoryTable } from '../store/memory-table.ts';
import type { Boundary, Caller, Failure } from './boundary.ts';

/** The table as one controller reaches it. */
export function tableFor(table: MemoryTable, boundary: Boundary, caller: Caller): Table {
  const send = <T>(
    name: string,
    input: string,
    isWrite: boolean,
    perform: () => Promise<T>,
    isPoll = false,
  ) =>
    boundary.send<T>({
      ...{ caller, target: 'table', name: `table:${name}`, isWrite, isPoll, input, perform },
      failWith: (failure) => {
        throw failureOf(failure);
      },
    });
  return {
    get: ({ pk, sk }) =>
      send('get', `${pk} ${sk}`, false, () => table.get({ pk, sk }), pk === 'lease' || pk === 'log'),
    query: ({ signal: _signal, ...query }) =>
      send(nameOf(query), JSON.stringify(query), false, () => table.query(query), isPoll(query)),
    put: (item, condition) =>
      send(
        'put',
        `${item.pk} ${item.sk}${entryOf(item)}`,
        true,
        () => table.put(item, condition),
        item.pk === 'lease',
      ),
    remove: (key, condition) =>
      send('remove', `${key.pk} ${key.sk}`, true, () => table.remove(key, condition)),
  };
}

/** What an entry of the log is about. */
function entryOf({ pk, ...item }: Item): string {
  return pk === 'log' ? ` ${item['collection']} ${item['name']}` : '';
}

function nameOf({ pk, descending }: Query): string {
  return descending && pk === 'log' ? 'head' : 'query';
}

/** How a watch looks for news, and a write for the newest entry: these repeat for as long as the controller runs. */
function isPoll({ pk }: Query): boolean {
  return pk === 'log';
}

function failureOf(failure: Failure): Error {
  const isAnswered = failure === 'throttled' || failure === 'denied' || failure === 'expired-credentials';
  const Kind = isAnswered ? StoreUnavailableError : UnansweredError;
  return new Kind(`Table "simulated": ${failure}`);
}
