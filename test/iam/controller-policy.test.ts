import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { questionsOfController } from '../../controller/doctor/controller-permissions.ts';
import { isAllowed, type Policy, parsePolicy } from '../../controller/simulator/iam/policy.ts';
import { SETTINGS } from '../reconcile/harness.ts';
import type { Request } from './asking.ts';
import { ESCALATIONS } from './escalations.ts';
import { mutantsOf } from './mutants.ts';
import { NAMED } from './named.ts';
import { BOUNDARY, recordScenarios } from './recording.ts';
import { kindOf, MISUSES, misuse } from './refusals.ts';

const TEXT = readFileSync(new URL('../../deploy/iam/controller-policy.json', import.meta.url), 'utf8');
const POLICY = parsePolicy(TEXT);
/** Of all inline policies of a role together, without whitespace (IAM's quotas). */
const MOST_CHARACTERS = 10_240;
/** Of a table's name that `bastionctl install` takes. */
const LONGEST_NAME = 'x'.repeat(42);

const refusedBy = (policy: Policy, requests: readonly Request[]) =>
  requests.filter((request) => !isAllowed([policy], request));
const allowedBy = (policy: Policy, requests: readonly Request[]) =>
  requests.filter((request) => isAllowed([policy], request));
const distinct = (requests: readonly Request[]) => [
  ...new Map(requests.map((one) => [JSON.stringify(one).replace(/\b[0-9a-f]{8,}\b/g, 'X'), one])).values(),
];

describe("the controller's policy", () => {
  let recording: Awaited<ReturnType<typeof recordScenarios>>;
  let needed: readonly Request[];
  let refused: readonly Request[];

  beforeAll(async () => {
    recording = await recordScenarios();
    needed = [...recording.requests, ...NAMED];
    refused = distinct([...MISUSES.flatMap((one) => misuse(needed, one)), ...ESCALATIONS]);
  }, 300_000);

  it('allows every call of every scenario, and knows what AWS asks for it', () => {
    expect(recording.calls).toBeGreaterThan(10_000);
    expect(recording.requests.length).toBeGreaterThan(150);
    expect(recording.unknown).toEqual([]);
    expect(refusedBy(POLICY, recording.requests)).toEqual([]);
  });

  it('allows what the controller calls in no scenario', () => {
    expect(refusedBy(POLICY, NAMED)).toEqual([]);
  });

  it.each(MISUSES)('refuses one who $name', (one) => {
    const requests = misuse(needed, one);
    expect(requests.length).toBeGreaterThan(0);
    expect(allowedBy(POLICY, requests)).toEqual([]);
  });

  it.each(MISUSES.filter(({ except }) => Object.keys(except).length > 0))(
    'excepts only what it has to from: $name',
    ({ of, except }) => {
      const idle = Object.keys(except).filter((key) => {
        const excepted = needed.filter((request) => key === request.action || key === kindOf(request));
        return allowedBy(POLICY, excepted.flatMap(of)).length === 0;
      });
      expect(idle).toEqual([]);
    },
  );

  it('refuses every way to more rights', () => {
    expect(allowedBy(POLICY, ESCALATIONS)).toEqual([]);
  });

  it('is asked for more than 300 different things that it refuses', () => {
    expect(refused.length).toBeGreaterThan(300);
  });

  it('has no statement, action, resource or condition too many, and none too wide', () => {
    const mutants = mutantsOf(TEXT);
    const unnoticed = mutants.filter(
      ({ policy }) => refusedBy(policy, needed).length === 0 && allowedBy(policy, refused).length === 0,
    );
    expect(mutants.length).toBeGreaterThan(250);
    expect(unnoticed.map(({ name }) => name)).toEqual([]);
  }, 120_000);

  it('allows all that the doctor asks about, for a controller that gives its roles the boundary', () => {
    const scope = { accountId: '123456789012', region: 'eu-central-1', installation: 'main' };
    const questions = questionsOfController(scope, { ...SETTINGS, permissionsBoundary: BOUNDARY });
    const asked = questions.flatMap(({ actions, resource, context }) =>
      actions.map((action) => ({ action, resource, context })),
    );
    expect(refusedBy(POLICY, asked)).toEqual([]);
  });

  it('fits into a role, with the longest name of a table and in the partition with the longest name', () => {
    const longest = JSON.stringify(JSON.parse(TEXT))
      .replaceAll('arn:aws:', 'arn:aws-us-gov:')
      .replace(/table\/bastion-operator/g, `table/${LONGEST_NAME}`)
      .replace(/role\/bastion-operator-controller/g, `role/${LONGEST_NAME}-controller`);
    expect(longest.length).toBeLessThan(MOST_CHARACTERS);
  });
});
