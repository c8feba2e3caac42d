import { type Bastion, condition } from '../../../controller/api/bastion.ts';
import { HARMLESS, type Thing } from '../inventory.ts';
import type { OracleFactory } from '../oracle.ts';

/** For longer than changes do not show here; two looks that are believed lie further apart. */
const SEEN_MS = 5_000;

/** Nobody is told that nothing is left, and no Bastion is let go, while something made for it is there. */
export const truthfulEnd: OracleFactory = ({ now, things, wasMisled, violate }) => {
  const firstSeen = new Map<string, number>();
  const idOf = ({ kind, id }: Thing) => `${kind} ${id}`;
  const leftOf = (owner: string) =>
    things().filter(
      (one) =>
        one.isOurs &&
        one.isLive &&
        !HARMLESS.includes(one.kind) &&
        one.owner === owner &&
        now() - (firstSeen.get(idOf(one)) ?? now()) > SEEN_MS,
    );
  const isTornDown = (bastion: Bastion | undefined) =>
    bastion && condition(bastion, 'TornDown')?.status === 'True';
  return {
    name: 'truthful-end',
    aroundEffect: (_call, service) => () => {
      for (const one of things(service)) if (!firstSeen.has(idOf(one))) firstSeen.set(idOf(one), now());
    },
    onBastion: (next, before) => {
      const isOver = !next || (isTornDown(next) && !isTornDown(before));
      const { namespace, name } = (next ?? before)?.metadata ?? {};
      if (!isOver || wasMisled()) return;
      const [one] = leftOf(`${namespace}/${name}`);
      if (one)
        violate(
          'truthful-end',
          `${name} ${next ? 'says that nothing is left' : 'is let go'}, and ${one.kind} ${one.id} is there`,
        );
    },
  };
};
