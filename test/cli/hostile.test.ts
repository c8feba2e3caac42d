import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { ANNOTATION, createCli, event, manifestText, readyStatus, sample } from './fixture.ts';

/** Red, hidden, window title, clear screen in C1, another direction, two more lines, back and delete. */
const STEERING =
  '\u001b[31m\u001b[8m\u001b]0;t\u0007\u009b2J\u202e\u2066\u200e\u200f\u061c\u2028\u2029\u0085\r\b\u007f';
const STEERS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
/** What bastionctl itself does to a terminal: colours, and a live line or table that is drawn anew. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are steered by these
const OWN = /\u001b\[(0|1|2|22|3[1-6]|39)m|\r?\u001b\[2K|\u001b\[\d+A\r\u001b\[0J/g;

function expectHarmless(text: string, isTTY: boolean): void {
  const rest = (isTTY ? text.replace(OWN, '') : text).replace(/[\n\t]/g, '');
  expect(rest).not.toMatch(STEERS);
  // What one hides or colours must not come from others.
  expect(text).not.toContain('\u001b[8m');
}

async function createHostile() {
  const cli = createCli();
  const annotations = {
    [ANNOTATION.source]: `https://git.example.com/${STEERING}`,
    [ANNOTATION.sourceCommit]: '4f2a',
    [ANNOTATION.sourceAuthor]: `Mika${STEERING}`,
    [ANNOTATION.sourcePath]: `a${STEERING}.yaml`,
    note: STEERING,
  };
  await cli.sourceApi.bastions.create(sample({ reason: `INC${STEERING}` }, { annotations }));
  await cli.setStatus(
    readyStatus({
      phase: 'Degraded',
      sessionTarget: `ecs:${STEERING}`,
      conditions: (['Accepted', 'Ready'] as const).map((type) => ({
        ...{ type, status: 'False', reason: 'Failed', message: `AWS says${STEERING}`, observedGeneration: 1 },
        lastTransitionTime: '2026-11-23T09:00:00Z',
      })),
      resources: [
        { kind: 'task', key: 'task/default/orders', id: STEERING, state: 'Failed', message: STEERING },
      ],
    }),
  );
  await cli.api.events.create(event('one', { message: `went${STEERING}wrong`, reason: `Why${STEERING}` }));
  return cli;
}

describe.each([false, true])('what others wrote, on a terminal: %s,', (isTTY) => {
  it.each([
    'get',
    'get -o wide',
    'get -o yaml',
    'get -o json',
    'get bastion orders -o jsonpath={.spec.reason}',
    'describe bastion orders',
    'events',
    'events -o yaml',
    'get events',
    'delete bastion orders --wait=false',
    'wait --for=condition=Ready bastion/orders --timeout=0s',
    'renew orders',
    'suspend orders',
  ])('steers nothing in the output of %s', async (line) => {
    const { run } = await createHostile();
    const { out, err } = await run(line, { isTTY });
    expectHarmless(out, isTTY);
    expectHarmless(err, isTTY);
    expect(out + err).not.toBe('');
  });

  it('steers nothing in plans and in what the doctor finds', async () => {
    const { run, world } = await createHostile();
    world.plan = {
      regions: [
        {
          accountId: '123456789012',
          region: 'ap-northeast-1',
          failures: [`cannot list ${STEERING}`],
          problems: [{ bastion: 'default/orders', reason: 'Bad', message: STEERING }],
          steps: [
            {
              ...{ action: 'create', kind: 'task', key: 'task/default/orders' },
              ...{ why: STEERING, owners: ['default/orders'] },
            },
          ],
        },
      ],
    };
    world.doctor = {
      async examine(_, onProgress) {
        onProgress(`reading ${STEERING}`);
        const found = {
          check: 'image',
          group: 'Task',
          verdict: 'problem',
          found: STEERING,
          fix: STEERING,
        } as const;
        return { region: 'ap-northeast-1', findings: [found] };
      },
    };
    for (const line of ['plan', 'plan -o yaml', 'plan -o json', 'doctor orders', 'doctor orders -o json']) {
      const { out, err } = await run(line, { isTTY });
      expectHarmless(out, isTTY);
      expectHarmless(err, isTTY);
    }
  });

  it('steers nothing in errors: of the server, of files and manifests, and of what was typed', async () => {
    const cli = await createHostile();
    cli.files.set(`/d/bad${STEERING}.yaml`, `${manifestText()}  ${STEERING.slice(9, 12)}: [`);
    const lines = [
      ['describe', 'bastion', `x${STEERING}`],
      ['apply', '-f', `/none${STEERING}`],
      ['apply', '-f', '/d'],
      ['validate', '-f', '/d'],
      ['get', `--${STEERING}`],
      ['get', '-o', STEERING],
      [STEERING],
    ];
    for (const line of lines) {
      const { code, out, err } = await cli.run(line, { isTTY });
      expect(code).toBe(1);
      expectHarmless(out, isTTY);
      expectHarmless(err, isTTY);
    }
    cli.world.refuse = new Error(`connect${STEERING}`);
    expectHarmless((await cli.run('get', { isTTY })).err, isTTY);
  });
});

it('is in JSON and YAML what it was', async () => {
  const { run } = await createHostile();
  for (const format of ['json', 'yaml']) {
    const object = load((await run(`get bastion orders -o ${format}`)).out);
    expect(object).toMatchObject({
      spec: { reason: `INC${STEERING}` },
      metadata: { annotations: { note: STEERING } },
    });
  }
});

it('keeps the columns of a table in line', async () => {
  const { run, api } = await createHostile();
  await api.events.create(event('two'));
  const [, ...rows] = (await run('events')).out.trimEnd().split('\n');
  const messages = rows.map((row) => row.search(/went|The bastion/));
  expect(messages[0]).toBeGreaterThan(0);
  expect(new Set(messages).size).toBe(1);
});
