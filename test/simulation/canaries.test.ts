import { describe, expect, it } from 'vitest';
import { sourceOf } from './canaries/hunt.ts';
import { CANARIES } from './canaries/index.ts';
import { SCENARIOS } from './scenarios/index.ts';

describe('the canaries', () => {
  it('are at least as many as the promise says, each with a name of its own', () => {
    expect(CANARIES.length).toBeGreaterThanOrEqual(120);
    expect(new Set(CANARIES.map(({ name }) => name)).size).toBe(CANARIES.length);
  });

  it.each(CANARIES)('$name stands at one place of controller/$file and changes it', (canary) => {
    expect(sourceOf(canary).split(canary.find)).toHaveLength(2);
    expect(canary.replace).not.toBe(canary.find);
    const known = SCENARIOS.map(({ name }) => name);
    for (const name of canary.scenarios) expect(known).toContain(name);
  });
});
