import { describe, expect, it } from 'vitest';
import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';
import { lifetime } from '../../controller/core/lifetime.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { ActivationBook, tidyActivations } from '../../controller/reconcile/activations.ts';
import { StoreUnavailableError } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { bastionOf } from '../core/sample.ts';
import { createMemorySubject } from '../store/memory.ts';

const HOUR = 3_600_000;
const MAX = 24 * HOUR;
const NINE = Date.parse('2026-11-23T09:00:00Z');

function openBook() {
  const store = createMemorySubject(new VirtualClock()).open();
  let isRefusing = false;
  const refusing = {
    listActivations: () => store.listActivations(),
    writeActivation: (...args: Parameters<typeof store.writeActivation>) => {
      if (isRefusing) throw new StoreUnavailableError('the table is full');
      return store.writeActivation(...args);
    },
  };
  const record = async (book: ActivationBook, bastion: Bastion, now: number) => {
    const [corrected = bastion] = await book.correct([bastion]);
    const lives = new Map([['default/orders', lifetime(corrected, now, MAX)]] as const);
    const recorded = await book.record([corrected], lives, now);
    return { corrected, life: recorded.lives.get('default/orders'), failure: recorded.failure };
  };
  return {
    store,
    newBook: (setBackMs = 0) => new ActivationBook(refusing, setBackMs),
    record,
    refuse: (refuses: boolean) => {
      isRefusing = refuses;
    },
  };
}

describe("the controller's own record of an activation", () => {
  it.each([
    ['moves its start', { activatedAt: rfc3339(NINE + HOUR), expiresAt: rfc3339(NINE + 3 * HOUR) }],
    ['removes it', undefined],
  ])('counts where somebody %s in the status', async (_what, status) => {
    const { newBook, record } = openBook();
    await record(newBook(), bastionOf(), NINE);
    const forged = bastionOf(status ? { status } : {});
    const { corrected, life } = await record(newBook(), forged, NINE + HOUR);
    expect(corrected.status).toMatchObject({
      activatedAt: rfc3339(NINE),
      expiresAt: rfc3339(NINE + 2 * HOUR),
    });
    expect(life).toMatchObject({ state: 'active', activatedAt: NINE, expiresAt: NINE + 2 * HOUR });
    const { life: after } = await record(newBook(), forged, NINE + 2 * HOUR);
    expect(after).toMatchObject({ state: 'expired', activatedAt: NINE });
  });

  it('keeps what was left of a life, though the clock of each next controller is behind the one before', async () => {
    const { newBook, record, store } = openBook();
    await record(newBook(), bastionOf(), NINE);
    const back = newBook(HOUR / 2);
    const { life } = await record(back, bastionOf(), NINE + HOUR / 2);
    expect(life).toMatchObject({ state: 'active', expiresAt: NINE + 1.5 * HOUR });
    expect(await store.listActivations()).toMatchObject([{ endsBy: rfc3339(NINE + 1.5 * HOUR) }]);
    const { life: after } = await record(back, bastionOf(), NINE + HOUR);
    expect(after).toMatchObject({ state: 'active', expiresAt: NINE + 1.5 * HOUR });
    const { life: restarted } = await record(newBook(HOUR / 2), bastionOf(), NINE + HOUR);
    expect(restarted).toMatchObject({ state: 'active', expiresAt: NINE + 1.5 * HOUR });
  });

  it('does not open by itself when a renewal dated ahead comes due after the end', async () => {
    const { newBook, record } = openBook();
    const ahead = bastionOf({ annotations: { [ANNOTATION.renewedAt]: rfc3339(NINE + 5 * HOUR) } });
    await record(newBook(), ahead, NINE);
    await record(newBook(), ahead, NINE + 2 * HOUR);
    const { life } = await record(newBook(), ahead, NINE + 5 * HOUR + 60_000);
    expect(life).toMatchObject({ state: 'expired' });
  });

  it('keeps an end, though the clock of the next controller is behind', async () => {
    const { newBook, record } = openBook();
    await record(newBook(), bastionOf(), NINE);
    await record(newBook(), bastionOf(), NINE + 2 * HOUR);
    const { life } = await record(newBook(), bastionOf(), NINE - 5 * HOUR);
    expect(life).toMatchObject({ state: 'expired', expiredAt: NINE + 2 * HOUR });
  });

  it('begins anew after somebody has closed it', async () => {
    const { newBook, record } = openBook();
    await record(newBook(), bastionOf(), NINE);
    await record(newBook(), bastionOf({ spec: { suspend: true } }), NINE + HOUR);
    const { life } = await record(newBook(), bastionOf(), NINE + 3 * HOUR);
    expect(life).toMatchObject({ state: 'active', activatedAt: NINE + 3 * HOUR });
  });

  it('comes before the opening: what cannot be recorded does not open, and no end is moved', async () => {
    const { newBook, record, refuse } = openBook();
    refuse(true);
    const first = await record(newBook(), bastionOf(), NINE);
    expect(first.life).toMatchObject({
      state: 'invalid',
      message: expect.stringContaining('the table is full'),
    });
    expect(first.failure).toBeInstanceOf(StoreUnavailableError);
    refuse(false);
    await record(newBook(), bastionOf(), NINE);
    refuse(true);
    const renewed = bastionOf({ annotations: { [ANNOTATION.renewedAt]: rfc3339(NINE + HOUR) } });
    expect((await record(newBook(), renewed, NINE + HOUR)).life).toMatchObject({
      expiresAt: NINE + 2 * HOUR,
    });
    expect((await record(newBook(), renewed, NINE + 2 * HOUR)).life).toMatchObject({ state: 'expired' });
  });

  it('is read again where somebody else has written it', async () => {
    const { newBook, record } = openBook();
    const [one, other] = [newBook(), newBook()];
    await record(one, bastionOf(), NINE);
    await record(other, bastionOf(), NINE);
    await record(other, bastionOf(), NINE + 2 * HOUR);
    const late = await record(one, bastionOf({ spec: { ttl: '8h' } }), NINE + HOUR);
    expect(late.failure).toBeInstanceOf(Error);
    expect((await record(one, bastionOf({ spec: { ttl: '8h' } }), NINE + HOUR)).life).toMatchObject({
      state: 'expired',
    });
  });

  it('counts as well where its answer was given up, and comes late', async () => {
    const { store, newBook, record } = openBook();
    await record(newBook(), bastionOf(), NINE);
    const answers: (() => void)[] = [];
    const book = new ActivationBook({
      listActivations: async () => {
        await new Promise<void>((resolve) => answers.push(resolve));
        return store.listActivations();
      },
      writeActivation: (...args) => store.writeActivation(...args),
    });
    const forged = bastionOf({ status: { activatedAt: rfc3339(NINE + HOUR) } });
    const recorded = record(book, forged, NINE + HOUR);
    book.readAnew();
    const again = book.correct([forged]);
    answers[0]?.();
    const { life } = await recorded;
    expect(life).toMatchObject({ activatedAt: NINE, expiresAt: NINE + 2 * HOUR });
    expect(book.isRead()).toBe(true);
    expect(await store.listActivations()).toMatchObject([{ version: 1, activatedAt: rfc3339(NINE) }]);
    answers[1]?.();
    const renewed = bastionOf({ spec: { ttl: '3h' } });
    await again;
    expect((await record(book, renewed, NINE + HOUR)).failure).toBeUndefined();
  });

  it('goes long after its Bastion has gone', async () => {
    const { store, newBook, record } = openBook();
    await record(newBook(), bastionOf(), NINE);
    const uid = bastionOf().metadata.uid;
    const tidyAt = (now: number, present: readonly string[]) =>
      tidyActivations(store, async () => new Set(present), now);
    await tidyAt(NINE + 3 * HOUR, []);
    await tidyAt(NINE + 800 * HOUR, [uid]);
    expect(await store.listActivations()).toHaveLength(1);
    await tidyAt(NINE + 800 * HOUR, []);
    expect(await store.listActivations()).toEqual([]);
  });
});
