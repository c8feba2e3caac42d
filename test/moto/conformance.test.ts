import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator } from '../../controller/simulator/simulator.ts';
import { VirtualClock } from '../clock.ts';
import { CASES } from '../conformance/cases.ts';
import type { Case, Subject } from '../conformance/subject.ts';
import { REGION } from '../simulator/clients.ts';
import { connectMoto } from './adapters.ts';
import { GAPS, type Gap } from './gaps.ts';
import { createMotoSubject, MOTO_ACCOUNT, motoUrl } from './moto-subject.ts';
import { startMoto } from './server.ts';

/** More than the simulator needs to let a role be assumed. */
const SETTLED_MS = 60_000;

function createAdaptedSubject(): Subject {
  const clock = new VirtualClock(Date.now());
  const simulator = createSimulator({ clock, accountId: MOTO_ACCOUNT, region: REGION });
  const requestHandler = connectMoto({ motoUrl: motoUrl(), simulator, clock });
  return { ...createMotoSubject({ requestHandler }), settle: () => clock.advance(SETTLED_MS) };
}

/** A case passes, or fails as its gap says it does. A gap that has closed is a failure, too: take it off the list. */
async function checkWith(subject: Subject, { name, check }: Case, gap: Gap | undefined): Promise<void> {
  if (!gap) return check(subject);
  const failure = await check(subject).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure === undefined) {
    throw new Error(`moto has closed the gap "${gap.name}" ("${name}" passes): remove it from gaps.ts`);
  }
  expect(String(failure)).toMatch(gap.symptom);
}

describe('moto', () => {
  for (const one of CASES) {
    const gap = GAPS.find((candidate) => candidate.case === one.name && candidate.remedy.by !== 'setting');
    const title = gap ? `has the gap ${gap.name}: it ${gap.moto}` : one.name;
    it(title, () => checkWith(createMotoSubject({ endpoint: motoUrl() }), one, gap));
  }
});

describe('moto with adapters, and the simulator for what it lacks', () => {
  for (const one of CASES) {
    const gap = GAPS.find((candidate) => candidate.case === one.name && candidate.remedy.by === 'accepted');
    const title = gap ? `still has the gap ${gap.name}` : one.name;
    it(title, () => checkWith(createAdaptedSubject(), one, gap));
  }
});

describe('moto without the settings that it runs with here', () => {
  let plain: Awaited<ReturnType<typeof startMoto>>;
  beforeAll(async () => {
    plain = await startMoto();
  });
  afterAll(() => plain.close());
  for (const gap of GAPS.filter(({ remedy }) => remedy.by === 'setting')) {
    it(`has the gap ${gap.name}: it ${gap.moto}`, async () => {
      const one = CASES.find(({ name }) => name === gap.case);
      if (one) await checkWith(createMotoSubject({ endpoint: plain.url }), one, gap);
    });
  }
});

describe('the list of gaps', () => {
  it('names each gap and each case once, and only cases that exist', () => {
    expect(new Set(GAPS.map(({ name }) => name)).size).toBe(GAPS.length);
    expect(new Set(GAPS.map((gap) => gap.case)).size).toBe(GAPS.length);
    const cases = new Set(CASES.map(({ name }) => name));
    expect(GAPS.filter((gap) => !cases.has(gap.case))).toEqual([]);
  });
});
