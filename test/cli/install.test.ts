import { describe, expect, it } from 'vitest';
import type { Foundation, FoundationOptions, SignOfLife } from '../../controller/cli/foundation.ts';
import {
  type FoundationObject,
  type FoundObject,
  INSTALLED_TAG,
  nameOf,
} from '../../controller/core/foundation.ts';
import { createCli } from './fixture.ts';

const tags = { [INSTALLED_TAG]: 'eu-central-1/bastion-operator' };
const WANTED: readonly FoundationObject[] = [
  { kind: 'table', name: 'bastion-operator', properties: { PointInTimeRecovery: true }, tags },
  {
    kind: 'policy',
    name: 'bastion-boundary',
    properties: { PolicyDocument: { Statement: [{ Sid: 'Log', Action: 'logs:PutLogEvents' }] } },
    tags,
  },
];
const PLACE = '--aws=real --region eu-central-1 --table bastion-operator';

/** An account in memory. */
function createAccount() {
  const cli = createCli();
  const found = new Map<string, FoundObject>();
  const world = {
    signs: [] as SignOfLife[],
    fail: undefined as Error | undefined,
    opened: [] as FoundationOptions[],
    skipped: [] as (readonly string[])[],
    open: 0,
  };
  const make = async (object: FoundationObject) => {
    if (world.fail) throw world.fail;
    const { properties, tags } = object;
    found.set(nameOf(object), { arn: `arn:test:${object.name}`, properties, tags });
  };
  const foundation: Foundation = {
    ...{ accountId: '111122223333', region: 'eu-central-1', table: 'bastion-operator' },
    look: async () => ({ wanted: WANTED, possible: WANTED, found }),
    create: make,
    change: make,
    async remove(object) {
      if (world.fail) throw world.fail;
      found.delete(nameOf(object));
    },
    async signsOfLife({ skipAccounts, tell }) {
      world.skipped.push(skipAccounts);
      tell('looking');
      return world.signs;
    },
    async close() {
      world.open--;
    },
  };
  cli.world.foundations = {
    draw: async (_, account) =>
      WANTED.map((object) => ({ ...object, properties: { ...object.properties, account } })),
    async open(options) {
      world.opened.push(options);
      world.open++;
      return foundation;
    },
  };
  return { ...cli, found, account: world };
}

describe('install', () => {
  it('shows what it would make, and makes nothing, until it is told to', async () => {
    const { run, found, account } = createAccount();
    const { code, out, err } = await run(`install ${PLACE}`);
    expect(out).toBe(`account 111122223333, eu-central-1:
  + table/bastion-operator: does not exist
  + policy/bastion-boundary: does not exist

Plan: 2 to create.
Nothing is done yet: say --apply to make it so.
`);
    expect([code, err, found.size, account.open]).toEqual([0, '', 0, 0]);
    expect(account.opened).toMatchObject([
      { aws: 'real', region: 'eu-central-1', table: 'bastion-operator' },
    ]);
  });

  it('makes it once, and says how to go on', async () => {
    const { run, found } = createAccount();
    const first = await run(`install ${PLACE} --apply`);
    expect(first.out).toBe(`table/bastion-operator created
policy/bastion-boundary created

Run the controller as arn:aws:iam::111122223333:role/bastion-operator-controller:
  bastion-controller --aws=real --region eu-central-1 --table bastion-operator \\
    --permissions-boundary 'arn:aws:iam::{account}:policy/bastion-boundary'
and look at it with:
  bastionctl get bastions -A --aws=real --region eu-central-1 --table bastion-operator
`);
    expect([first.code, found.size]).toEqual([0, 2]);
    const second = await run(`install ${PLACE} --apply`);
    expect(second.out).toContain('table/bastion-operator unchanged\npolicy/bastion-boundary unchanged\n');
    expect((await run(`install ${PLACE}`)).out).toContain('Plan: 2 unchanged.\n');
  });

  it('shows what drifted, by field and by statement, and repairs it', async () => {
    const { run, found } = createAccount();
    await run(`install ${PLACE} --apply`);
    const Statement = [
      { Sid: 'Log', Action: '*' },
      { Sid: 'More', Action: 'iam:*' },
    ];
    found.set('table/bastion-operator', { arn: '', properties: { PointInTimeRecovery: false }, tags });
    found.set('policy/bastion-boundary', { arn: '', properties: { PolicyDocument: { Statement } }, tags });
    const { out } = await run(`install ${PLACE}`);
    expect(out).toContain(`  ~ table/bastion-operator
      PointInTimeRecovery: false -> true
  ~ policy/bastion-boundary
      PolicyDocument: More to go; Log to change
`);
    expect((await run(`install ${PLACE} --apply`)).out).toContain('table/bastion-operator changed\n');
    expect((await run(`install ${PLACE}`)).out).toContain('Plan: 2 unchanged.\n');
  });

  it('does nothing at all while something of others is in the way, until it is to adopt it', async () => {
    const { run, found } = createAccount();
    found.set('policy/bastion-boundary', { arn: '', properties: { PolicyDocument: {} }, tags: {} });
    const { code, out, err } = await run(`install ${PLACE} --apply`);
    expect(code).toBe(1);
    expect(out).toContain(
      '  ! policy/bastion-boundary: exists, and install did not make it: --adopt takes it over\n',
    );
    expect(err).toBe('error: nothing is done while something is in the way\n');
    expect(found.size).toBe(1);
    expect((await run(`install ${PLACE} --apply --adopt`)).code).toBe(0);
    expect(found.get('policy/bastion-boundary')?.tags).toEqual(tags);
  });

  it('tells what AWS refused, and that it can be run again', async () => {
    const { run, account } = createAccount();
    account.fail = new Error('table/bastion-operator: AccessDenied: no dynamodb:CreateTable');
    const { code, err } = await run(`install ${PLACE} --apply`);
    expect(err).toBe(
      'error: table/bastion-operator: AccessDenied: no dynamodb:CreateTable\n' +
        'hint: what was made before stays; put it right and run the command again, which goes on from there\n',
    );
    expect([code, account.open]).toEqual([1, 0]);
  });

  it('prints it for others to make, without a look at any account', async () => {
    const { run, account } = createAccount();
    const { out } = await run('install --print --account 444455556666');
    expect(out.match(/^---$/gm)).toHaveLength(2);
    expect(out).toContain("  account: '444455556666'\n");
    expect((await run('install --print')).out).toContain("  account: '{account}'\n");
    const json = JSON.parse((await run('install --print -o json')).out);
    expect(json.items.map(nameOf)).toEqual(WANTED.map(nameOf));
    expect(account.opened).toEqual([]);
  });

  it('answers programs in JSON', async () => {
    const { run } = createAccount();
    const plan = JSON.parse((await run(`install ${PLACE} -o json`)).out);
    expect(plan).toMatchObject({ accountId: '111122223333', region: 'eu-central-1' });
    expect(plan.steps.map((step: { action: string }) => step.action)).toEqual(['create', 'create']);
    expect(JSON.parse((await run(`install ${PLACE} --apply -o json`)).out).steps).toHaveLength(2);
  });

  it.each([
    ['install --print --apply', /'--print' cannot be used with option '--apply'/],
    ['install --print --account 12', /--account: found 12, allowed: the 12 digits/],
    [`install ${PLACE} --account 111122223333`, /--account goes with --print/],
    [`install ${PLACE} -o wide`, /allowed formats are: json,yaml/],
  ])('refuses: %s', async (line, message) => {
    const { run, account } = createAccount();
    const { code, err } = await run(line);
    expect(err).toMatch(message);
    expect([code, account.opened]).toEqual([1, []]);
  });

  it('is left to bastionctl', async () => {
    const { run } = createAccount();
    expect((await run('install', { program: 'kubectl bastion' })).err).toContain("unknown command 'install'");
  });
});

describe('uninstall', () => {
  const ALIVE = { what: 'bastion default/orders is Ready', advice: 'delete the Bastions' };

  async function installed() {
    const account = createAccount();
    await account.run(`install ${PLACE} --apply`);
    return account;
  }

  it('shows what would go, and takes it away when it is told to, but for the table', async () => {
    const { run, found } = await installed();
    const plan = await run(`uninstall ${PLACE}`);
    expect(plan.out).toBe(`account 111122223333, eu-central-1:
  - policy/bastion-boundary
  = table/bastion-operator: holds the record of what was; --delete-table deletes it

Plan: 1 to delete, 1 kept.
Nothing is alive, and nothing is done yet: say --apply to take it away.
`);
    expect(found.size).toBe(2);
    const { out, code } = await run(`uninstall ${PLACE} --apply`);
    expect(out).toBe(
      'policy/bastion-boundary deleted\n' +
        'table/bastion-operator kept: holds the record of what was; --delete-table deletes it\n',
    );
    expect([code, [...found.keys()]]).toEqual([0, ['table/bastion-operator']]);
    expect((await run(`uninstall ${PLACE} --apply --delete-table`)).out).toContain(
      'table/bastion-operator deleted\n',
    );
    expect(found.size).toBe(0);
  });

  it('refuses while anything is alive, and says what and what to do', async () => {
    const { run, found, account } = await installed();
    account.signs = Array.from({ length: 22 }, () => ALIVE);
    const { code, out, err } = await run(`uninstall ${PLACE} --apply --delete-table`);
    expect([code, found.size]).toEqual([1, 2]);
    expect(out).toContain('  - table/bastion-operator\n');
    expect(err).toMatch(/^looking\nerror: nothing is taken away while something is alive:\n/);
    expect(err.match(/bastion default\/orders is Ready/g)).toHaveLength(20);
    expect(err).toMatch(/ {2}and 2 more\nhint: delete the Bastions\n$/);
    const report = JSON.parse((await run(`uninstall ${PLACE} -o json`)).out);
    expect(report.alive).toHaveLength(22);
  });

  it('passes on which accounts a person has looked at', async () => {
    const { run, account } = await installed();
    await run(`uninstall ${PLACE} --skip-account 444455556666 --skip-account 777788889999`);
    expect(account.skipped).toEqual([['444455556666', '777788889999']]);
  });

  it('goes on from where it was refused', async () => {
    const { run, account, found } = await installed();
    account.fail = new Error('policy/bastion-boundary: DeleteConflict: attached');
    const { code, err } = await run(`uninstall ${PLACE} --apply`);
    expect(err).toContain('error: policy/bastion-boundary: DeleteConflict: attached\nhint: ');
    expect([code, found.size, account.open]).toEqual([1, 2, 0]);
  });
});
