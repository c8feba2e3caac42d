import { ApiError } from '../../machinery/api-error.ts';
import type { Clock } from '../../machinery/clock.ts';

export interface PlaceLimits {
  readonly total: number;
  /** No client has more than this: what is left is for the others. */
  readonly perClient: number;
}

/** What a server has only so much of, such as watches or bytes that wait to be read. */
export interface Places {
  readonly taken: number;
  /**
   * @param end called when the place is given to somebody else, since its client has stopped reading
   * @throws ApiError TooManyRequests, unless it may not refuse
   */
  enter(client: string, end: () => void, size?: number, options?: EnterOptions): Place;
}

export interface EnterOptions {
  /** False: it is there already and only counts. */
  readonly mayRefuse: boolean;
}

export interface Place {
  /** The client takes nothing, or does again. */
  block(isBlocked: boolean): void;
  /** Calling it twice does no harm. */
  leave(): void;
}

interface Seat {
  readonly client: string;
  readonly size: number;
  readonly end: () => void;
  blockedMs: number | undefined;
}

/** A client that has taken nothing for so long gives way to whoever waits. */
const MAX_IDLE_MS = 1_000;

/** @param what in the plural, for the message */
export function createPlaces({ total, perClient }: PlaceLimits, what: string, clock: Clock): Places {
  const seats = new Set<Seat>();
  const byClient = new Map<string, number>();
  let taken = 0;

  function remove(seat: Seat): void {
    if (!seats.delete(seat)) return;
    taken -= seat.size;
    const left = (byClient.get(seat.client) ?? 0) - seat.size;
    if (left > 0) byClient.set(seat.client, left);
    else byClient.delete(seat.client);
  }

  /** The one that has been blocked longest makes room. @returns false when everybody reads */
  function evict(client: string | undefined): boolean {
    const latestMs = clock.monotonic() - MAX_IDLE_MS;
    let longest: Seat | undefined;
    for (const seat of seats) {
      if (client !== undefined && seat.client !== client) continue;
      if (seat.blockedMs === undefined || seat.blockedMs > latestMs) continue;
      if (longest?.blockedMs === undefined || seat.blockedMs < longest.blockedMs) longest = seat;
    }
    if (!longest) return false;
    remove(longest);
    longest.end();
    return true;
  }

  /** One alone is let in, however large. */
  function makeRoom(client: string, size: number): void {
    const own = () => byClient.get(client) ?? 0;
    while (own() > 0 && own() + size > perClient) if (!evict(client)) throw tooMany(perClient, what, true);
    while (taken > 0 && taken + size > total) if (!evict(undefined)) throw tooMany(total, what, false);
  }

  return {
    get taken() {
      return taken;
    },
    enter(client, end, size = 1, { mayRefuse } = { mayRefuse: true }) {
      if (mayRefuse) makeRoom(client, size);
      const seat: Seat = { client, size, end, blockedMs: undefined };
      seats.add(seat);
      taken += size;
      byClient.set(client, (byClient.get(client) ?? 0) + size);
      return {
        block(isBlocked) {
          seat.blockedMs = isBlocked ? clock.monotonic() : undefined;
        },
        leave: () => remove(seat),
      };
    },
  };
}

function tooMany(most: number, what: string, isShare: boolean): ApiError {
  const whose = isShare ? 'as many as one client may have' : 'as many as there may be';
  return new ApiError('TooManyRequests', `${most} ${what} are open, ${whose}: try again later`);
}
