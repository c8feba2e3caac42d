import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type Found,
  type FoundationObject,
  type FoundObject,
  INSTALLED_TAG,
  nameOf,
  planFoundation,
  planRemoval,
} from '../../controller/core/foundation.ts';
import {
  DEFAULT_TRUST,
  type FoundationRequest,
  foundationOf,
  requestFault,
  TRUST_TAG,
} from '../../controller/core/foundation-objects.ts';
import { TABLE_SCHEMA } from '../../controller/store/table.ts';

const FOLDER = new URL('../../deploy/iam/', import.meta.url);
const documents = Object.fromEntries(
  readdirSync(FOLDER)
    .filter((file) => /^(boundary|controller).*\.json$/.test(file))
    .map((file) => [file, JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))]),
);
const REQUEST: FoundationRequest = {
  ...{ table: 'bastion-operator', accountId: '111122223333', region: 'eu-central-1' },
  ...{ trust: [DEFAULT_TRUST], documents, schema: TABLE_SCHEMA },
};
const OBJECTS = foundationOf(REQUEST);
const ROLE = 'role/bastion-operator-controller';
const TABLE = 'table/bastion-operator';

function asFound(object: FoundationObject, changed: Partial<FoundObject> = {}): FoundObject {
  const { properties, tags } = JSON.parse(JSON.stringify(object)) as FoundationObject;
  return { arn: `arn:aws:test:${object.name}`, properties, tags, ...changed };
}

/** All of it there as it was made, some of it changed by `change`. */
function account(
  change: (name: string, object: FoundationObject) => Partial<FoundObject> = () => ({}),
): Found {
  return new Map(OBJECTS.map((object) => [nameOf(object), asFound(object, change(nameOf(object), object))]));
}

function actions(found: Found, adopt = false): Record<string, string> {
  const steps = planFoundation(OBJECTS, found, { adopt });
  return Object.fromEntries(steps.map(({ action, object }) => [nameOf(object), action]));
}

function stepOf(found: Found, name: string, adopt = false) {
  return planFoundation(OBJECTS, found, { adopt }).find(({ object }) => nameOf(object) === name);
}

function objectOf(name: string, objects = OBJECTS): FoundationObject {
  const found = objects.find((object) => nameOf(object) === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
}

describe('the plan of an installation', () => {
  it('creates everything in an empty account, and then nothing', () => {
    expect(new Set(Object.values(actions(new Map())))).toEqual(new Set(['create']));
    expect(new Set(Object.values(actions(account())))).toEqual(new Set(['unchanged']));
  });

  it('does not mind the order of lists, lists of one, and what was free to choose', () => {
    const reversed = (name: string, { properties }: FoundationObject) => {
      if (name === TABLE)
        return {
          properties: {
            ...properties,
            KeySchema: TABLE_SCHEMA.KeySchema.toReversed(),
            BillingMode: 'PROVISIONED',
          },
        };
      const document = documents['boundary-policy.json'];
      const Statement = document.Statement.map((one: { Action: unknown }) => ({
        ...one,
        Action: [one.Action].flat().reverse(),
      }));
      return name.startsWith('policy/') ? { properties: { PolicyDocument: { ...document, Statement } } } : {};
    };
    expect(new Set(Object.values(actions(account(reversed))))).toEqual(new Set(['unchanged']));
  });

  it('repairs a policy that was widened, and says which', () => {
    const widened = account((name, { properties }) => {
      const wide = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
      return name === ROLE ? { properties: { ...properties, Policies: { 'controller-policy': wide } } } : {};
    });
    const step = stepOf(widened, ROLE);
    expect(step?.action).toBe('change');
    expect(step?.changes.map(({ property }) => property)).toContain('Policies.controller-policy');
  });

  it('switches protection and point-in-time recovery on again', () => {
    const bare = account((name, { properties }) =>
      name === TABLE
        ? { properties: { ...properties, PointInTimeRecovery: false, DeletionProtection: false } }
        : {},
    );
    expect(stepOf(bare, TABLE)?.changes).toEqual([
      { property: 'PointInTimeRecovery', found: false, wanted: true },
      { property: 'DeletionProtection', found: false, wanted: true },
    ]);
  });

  it('leaves alone what people added to a role, and says so', () => {
    const added = account((name, { properties }) =>
      name === ROLE
        ? { properties: { ...properties, ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] } }
        : {},
    );
    expect(stepOf(added, ROLE)).toMatchObject({
      action: 'unchanged',
      why: expect.stringContaining('arn:aws:iam::aws:policy/ReadOnlyAccess'),
    });
  });

  it('uses what others made as it should be, refuses what differs, and takes over when told to', () => {
    const foreign = account(() => ({ tags: {} }));
    expect(new Set(Object.values(actions(foreign)))).toEqual(new Set(['unchanged']));
    const different = account((name, { properties }) => ({
      tags: {},
      ...(name === TABLE && { properties: { ...properties, PointInTimeRecovery: false } }),
    }));
    expect(stepOf(different, TABLE)).toMatchObject({
      action: 'refuse',
      why: expect.stringContaining('--adopt'),
    });
    expect(stepOf(different, TABLE, true)?.action).toBe('change');
    expect(stepOf(foreign, ROLE, true)).toMatchObject({
      action: 'change',
      changes: [{ property: `Tags.${INSTALLED_TAG}` }, { property: `Tags.${TRUST_TAG}` }],
    });
  });

  it('never takes over what was made for another table or region, and uses it where it is as it should be', () => {
    const tags = { [INSTALLED_TAG]: 'us-east-1/bastion-operator' };
    const elsewhere = account(() => ({ tags }));
    expect(stepOf(elsewhere, ROLE, true)).toMatchObject({
      ...{ action: 'unchanged', changes: [] },
      why: expect.stringContaining('us-east-1/bastion-operator'),
    });
    const older = account((_name, { properties }) => ({
      tags,
      properties: { ...properties, PolicyDocument: {} },
    }));
    for (const adopt of [false, true]) {
      expect(stepOf(older, 'policy/bastion-boundary', adopt)).toMatchObject({
        action: 'refuse',
        why: expect.stringContaining('us-east-1/bastion-operator: uninstall that one first'),
      });
    }
  });

  it('refuses a table with other keys, and one that is being deleted, even to adopt', () => {
    const keys = account((name, { properties }) =>
      name === TABLE
        ? { properties: { ...properties, KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] } }
        : {},
    );
    expect(stepOf(keys, TABLE, true)).toMatchObject({
      action: 'refuse',
      why: expect.stringContaining('KeySchema'),
    });
    const leaving = account((name) => (name === TABLE ? { busy: 'is being deleted' } : {}));
    expect(stepOf(leaving, TABLE, true)).toMatchObject({ action: 'refuse', why: 'is being deleted' });
  });
});

describe('the removal of an installation', () => {
  const removal = (found: Found, deleteTable = false) =>
    planRemoval(OBJECTS, found, { deleteTable }).map(({ action, object }) => `${action} ${nameOf(object)}`);

  it('goes the other way round, and keeps the table unless told otherwise', () => {
    expect(removal(account())).toEqual([
      `delete ${ROLE}-execution`,
      `delete ${ROLE}`,
      'delete policy/bastion-boundary',
      `keep ${TABLE}`,
    ]);
    expect(removal(account(), true).at(-1)).toBe(`delete ${TABLE}`);
  });

  it('keeps the boundary that roles of another controller still have', () => {
    const shared = account((name) =>
      name === 'policy/bastion-boundary' ? { inUse: 'is still the boundary of 2 roles' } : {},
    );
    expect(removal(shared, true)).toContain('keep policy/bastion-boundary');
    expect(removal(shared, true)).toContain(`delete ${ROLE}`);
    expect(actions(shared)).toMatchObject({ 'policy/bastion-boundary': 'unchanged' });
  });

  it('keeps what others made, or the same for another region', () => {
    const other = account(() => ({ tags: { [INSTALLED_TAG]: 'us-east-1/bastion-operator' } }));
    expect(removal(other, true).every((step) => step.startsWith('keep '))).toBe(true);
    expect(removal(new Map(), true).every((step) => step.startsWith('absent '))).toBe(true);
  });
});

describe('what an installation is', () => {
  it('fits into what IAM holds', () => {
    const size = (document: unknown) => JSON.stringify(document).length;
    const { Policies, AssumeRolePolicyDocument } = objectOf(ROLE).properties;
    expect(size(Policies)).toBeLessThan(10_240);
    expect(size(AssumeRolePolicyDocument)).toBeLessThan(2_048);
    expect(size(objectOf('policy/bastion-boundary').properties['PolicyDocument'])).toBeLessThan(6_144);
  });

  it('gives the controller the documents of deploy/iam as they are', () => {
    const names = Object.keys(documents).filter((file) => file.startsWith('controller'));
    expect(names.length).toBeGreaterThan(0);
    const wanted = Object.fromEntries(names.map((file) => [file.replace('.json', ''), documents[file]]));
    expect(objectOf(ROLE).properties['Policies']).toEqual(wanted);
  });

  it('writes the name of another table, and another partition, into them', () => {
    const text = JSON.stringify(foundationOf({ ...REQUEST, table: 'tools', region: 'us-gov-west-1' }));
    expect(text).toContain('arn:aws-us-gov:dynamodb:*:*:table/tools"');
    expect(text).not.toMatch(/table\/bastion-operator|arn:aws:/);
    expect(text).toContain(':role/bastion-operator/*');
    expect(text).toContain('"name":"tools-controller-execution"');
  });

  it.each([
    ['ecs-tasks.amazonaws.com', 'sts:AssumeRole', '"aws:SourceAccount":"111122223333"', true],
    [
      'pods.eks.amazonaws.com',
      'sts:TagSession',
      '"aws:RequestTag/kubernetes-namespace":"bastion-operator"',
      false,
    ],
    [
      'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC',
      'sts:AssumeRoleWithWebIdentity',
      '"oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub":"system:serviceaccount:bastion-operator:bastion-controller"',
      false,
    ],
    [
      'arn:aws:iam::111122223333:role/admin',
      'sts:AssumeRole',
      '"AWS":"arn:aws:iam::111122223333:role/admin"',
      false,
    ],
  ])('lets %s be the controller, under its conditions', (who, action, condition, needsExecution) => {
    const objects = foundationOf({ ...REQUEST, trust: [who] });
    const trust = JSON.stringify(objectOf(ROLE, objects).properties['AssumeRolePolicyDocument']);
    expect(trust).toContain(action);
    expect(trust).toContain(condition);
    expect(objects.some((object) => nameOf(object) === `${ROLE}-execution`)).toBe(needsExecution);
  });

  it.each([
    [{ table: 'x y' }, /--table: found "x y"/],
    [{ table: 'x'.repeat(43) }, /--table/],
    [{ trust: ['lambda.amazonaws.com'] }, /--trust: found "lambda.amazonaws.com", allowed: ecs-tasks/],
    [{ trust: ['*'] }, /--trust/],
    [{ trust: Array(5).fill(`arn:aws:iam::111122223333:role/${'x'.repeat(40)}`) }, /too many/],
  ])('refuses %j', (changed, message) => {
    expect(requestFault({ ...REQUEST, ...changed })).toMatch(message);
    expect(requestFault(REQUEST)).toBeUndefined();
  });
});
