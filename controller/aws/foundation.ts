import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IAMClient,
  PutRolePolicyCommand,
  paginateListPolicyVersions,
  TagPolicyCommand,
  TagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import type { Place } from '../api/estate.ts';
import type { FoundationObject, FoundObject, Properties } from '../core/foundation.ts';
import { partitionOf } from '../core/key.ts';
import { isRecord } from '../machinery/json.ts';
import type { Connection } from './clients.ts';
import { unlessGone } from './errors.ts';
import { collect } from './reads.ts';
import { parsePolicy, readRoleContent } from './roles.ts';
import { readTags, upper } from './tags.ts';

/** How one kind of what a controller rests on is looked up and made so. Each call may be repeated. */
export interface Builder {
  find(object: FoundationObject): Promise<FoundObject | undefined>;
  create(object: FoundationObject): Promise<void>;
  /** Makes it `object`, whatever it is now. */
  change(object: FoundationObject): Promise<void>;
  remove(object: FoundationObject): Promise<void>;
}

/** IAM keeps no more versions of a policy than this. */
const MOST_VERSIONS = 5;

export interface IamBuilders {
  readonly policy: Builder;
  readonly role: Builder;
  close(): void;
}

export function openIamBuilders(connection: Connection, { accountId, region }: Place): IamBuilders {
  const iam = new IAMClient({ ...connection, region });
  const policy = policyBuilder(iam, `arn:${partitionOf(region)}:iam::${accountId}`);
  return { policy, role: roleBuilder(iam), close: () => iam.destroy() };
}

/** Of policies that stand alone, in the account's own name. */
function policyBuilder(iam: IAMClient, accountArn: string): Builder {
  const arnOf = ({ name }: FoundationObject) => `${accountArn}:policy/${name}`;
  const versionsOf = (PolicyArn: string) =>
    collect(paginateListPolicyVersions({ client: iam }, { PolicyArn }), (page) => page.Versions);

  /** The oldest of those that do not count. */
  async function makeRoom(PolicyArn: string): Promise<void> {
    const versions = await versionsOf(PolicyArn);
    const spare = versions.filter(({ IsDefaultVersion }) => !IsDefaultVersion).at(-1);
    if (versions.length < MOST_VERSIONS || !spare?.VersionId) return;
    await iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: spare.VersionId }));
  }

  return {
    async find(object) {
      const PolicyArn = arnOf(object);
      const policy = (await unlessGone(() => iam.send(new GetPolicyCommand({ PolicyArn }))))?.Policy;
      if (!policy) return undefined;
      const VersionId = policy.DefaultVersionId;
      const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
      const properties = { PolicyDocument: parsePolicy(PolicyVersion?.Document) };
      const { PermissionsBoundaryUsageCount: limited = 0 } = policy;
      // There is one for all tables of an account, and this one's own roles are gone before it may go.
      const inUse = `is still the boundary of ${limited} roles or users, of another controller or of people`;
      return {
        ...{ arn: PolicyArn, properties, tags: readTags('', policy.Tags).tags },
        ...(limited > 0 && { inUse }),
      };
    },
    async create({ name, properties, tags }) {
      const about = { PolicyName: name, Description: String(properties['Description']) };
      const PolicyDocument = JSON.stringify(properties['PolicyDocument']);
      await iam.send(new CreatePolicyCommand({ ...about, PolicyDocument, Tags: upper(tags) }));
    },
    async change(object) {
      const PolicyArn = arnOf(object);
      await makeRoom(PolicyArn);
      const PolicyDocument = JSON.stringify(object.properties['PolicyDocument']);
      await iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument, SetAsDefault: true }));
      await iam.send(new TagPolicyCommand({ PolicyArn, Tags: upper(object.tags) }));
    },
    async remove(object) {
      const PolicyArn = arnOf(object);
      for (const { VersionId, IsDefaultVersion } of await versionsOf(PolicyArn)) {
        if (VersionId && !IsDefaultVersion)
          await iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId }));
      }
      await unlessGone(() => iam.send(new DeletePolicyCommand({ PolicyArn })));
    },
  };
}

function roleBuilder(iam: IAMClient): Builder {
  /** What was added by others stays. */
  async function setPolicies({ name: RoleName, properties }: FoundationObject): Promise<void> {
    for (const [PolicyName, document] of documentsOf(properties)) {
      const PolicyDocument = JSON.stringify(document);
      await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    }
    for (const PolicyArn of arnsOf(properties))
      await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
  }

  return {
    async find({ name: RoleName }) {
      const role = await readRoleContent(iam, RoleName);
      if (!role) return undefined;
      const { arn, tags, trust, managed, inline } = role;
      const properties = { AssumeRolePolicyDocument: trust, ManagedPolicyArns: managed, Policies: inline };
      return { arn, properties, tags };
    },
    async create(object) {
      const { name: RoleName, properties, tags } = object;
      const Description = String(properties['Description']);
      const AssumeRolePolicyDocument = JSON.stringify(properties['AssumeRolePolicyDocument']);
      await iam.send(
        new CreateRoleCommand({ RoleName, Description, AssumeRolePolicyDocument, Tags: upper(tags) }),
      );
      await setPolicies(object);
    },
    async change(object) {
      const { name: RoleName, properties, tags } = object;
      const PolicyDocument = JSON.stringify(properties['AssumeRolePolicyDocument']);
      await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
      await setPolicies(object);
      await iam.send(new TagRoleCommand({ RoleName, Tags: upper(tags) }));
    },
    async remove({ name: RoleName }) {
      const role = await readRoleContent(iam, RoleName);
      if (!role) return;
      for (const PolicyArn of role.managed)
        await unlessGone(() => iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn })));
      for (const PolicyName of Object.keys(role.inline))
        await unlessGone(() => iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName })));
      await unlessGone(() => iam.send(new DeleteRoleCommand({ RoleName })));
    },
  };
}

function documentsOf({ Policies }: Properties): [name: string, document: unknown][] {
  return isRecord(Policies) ? Object.entries(Policies) : [];
}

function arnsOf({ ManagedPolicyArns }: Properties): readonly string[] {
  return Array.isArray(ManagedPolicyArns) ? ManagedPolicyArns.map(String) : [];
}
