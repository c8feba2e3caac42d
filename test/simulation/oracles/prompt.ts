import type { OracleFactory } from '../oracle.ts';

/** A change is looked at within seconds; a resync comes once a minute. */
const SOON_MS = 15_000;
const RECOVERY_MS = 90_000;

/** What people ask for is taken up at once, not when a resync comes by. */
export const prompt: OracleFactory = ({ now, bastions, troubledUntil, wasForged, violate }) => {
  const asked = new Map<string, { uid: string; generation: number; at: number }>();
  return {
    name: 'prompt',
    onBastion: (next) => {
      if (!next) return;
      const { name, uid, generation } = next.metadata;
      const last = asked.get(name);
      if (last?.uid !== uid || last.generation !== generation)
        asked.set(name, { uid, generation, at: now() });
    },
    onTick: () => {
      for (const { metadata, status } of bastions.values()) {
        const at = asked.get(metadata.name)?.at ?? now();
        const isCalm = now() > troubledUntil() + RECOVERY_MS;
        if (wasForged(metadata.name)) continue;
        if (isCalm && status?.observedGeneration !== metadata.generation && now() - at > SOON_MS) {
          const lateS = Math.round((now() - at) / 1000);
          violate(
            'prompt',
            `${metadata.name}: nobody has looked at generation ${metadata.generation} for ${lateS} s`,
          );
        }
      }
    },
  };
};
