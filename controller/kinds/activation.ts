import {
  type Activation,
  CreateActivationCommand,
  DeleteActivationCommand,
  DeleteParameterCommand,
  ListTagsForResourceCommand,
  type ParameterMetadata,
  PutParameterCommand,
  paginateDescribeActivations,
  paginateDescribeParameters,
} from '@aws-sdk/client-ssm';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { readTags, tagsFor, upper } from '../aws/tags.ts';
import { keyFor, nameFor } from '../core/key.ts';
import type { Claim, Observed, Problem, Settings } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { defineKind } from './kind.ts';
import { nodeName } from './node-marks.ts';

interface Spec {
  readonly roleName: string;
  readonly instanceName: string;
  readonly parameterName: string;
  readonly expiresAt: number;
}

interface Detail {
  /** Unset: a parameter whose activation is gone. */
  readonly activationId?: string;
  /** Unset: an activation whose code was lost, since AWS shows a code only once. */
  readonly parameterName?: string;
  readonly usedUp: boolean;
}

/** A task that was replaced registers again, with the same code. */
const REGISTRATION_LIMIT = 10;

/** AWS's longest life of an activation (aws-facts 6). */
const MAX_LIFE_MS = 30 * 24 * 3_600_000 - 3_600_000;

/** The right to register one Bastion's task as a managed node, and its code in an encrypted parameter that only the task reads. */
export const activation = defineKind<Spec, Detail>({
  name: 'activation',
  condition: 'IdentityReady',
  inert: true,
  leavesAfter: ['task', 'managed-instance'],
  desire(claim, facts, settings) {
    const { transport, activation: wanted } = claim.bastion.spec.access;
    if (transport !== 'HybridActivation') return [];
    const owner = objectName(claim.bastion);
    return [
      {
        kind: 'activation',
        key: keyFor.activation(owner),
        spec: specFor(claim, owner, facts.region, settings),
        needs: [keyFor.role('ssm-service')],
        tags: claim.bastion.spec.tags,
        shared: false,
        // The article's way: the task makes its own, with our tags, and we remove it after.
        ...(wanted?.issuer === 'Task' ? { external: 'optional' as const } : {}),
      },
    ];
  },
  preflight: tierProblems,
  diff(desired, observed) {
    // One that a task made for itself has no stored code, and the task is registering with it.
    if (desired.external)
      return observed.detail.parameterName ? { verdict: 'replace', why: 'the task makes its own now' } : SAME;
    if (observed.detail.usedUp)
      return { verdict: 'replace', why: 'it expired or its registrations are used up' };
    if (!observed.detail.parameterName) return { verdict: 'replace', why: 'its code was lost' };
    return observed.detail.activationId
      ? SAME
      : { verdict: 'replace', why: 'the activation of the stored code is gone' };
  },
  async list(aws) {
    const activations = await collect(
      paginateDescribeActivations({ client: aws.ssm, pageSize: 50 }, {}),
      (page) => page.ActivationList,
    );
    const path = nameFor.parameterPath(aws.scope.installation);
    const filter = { ParameterFilters: [{ Key: 'Name', Option: 'BeginsWith', Values: [path] }] };
    const parameters = await collect(
      paginateDescribeParameters({ client: aws.ssm, pageSize: 50 }, filter),
      (page) => page.Parameters,
    );
    return pair(aws, activations, parameters);
  },
  async create(aws, desired) {
    const { spec } = desired;
    const tags = tagsFor(aws.scope.installation, desired, spec.instanceName);
    const { ActivationId: id, ActivationCode: code } = await aws.ssm.send(
      new CreateActivationCommand({
        IamRole: spec.roleName,
        DefaultInstanceName: spec.instanceName,
        Description: `Bastion ${desired.owners[0]}`,
        RegistrationLimit: REGISTRATION_LIMIT,
        ExpirationDate: new Date(spec.expiresAt),
        Tags: upper(tags),
      }),
    );
    await aws.ssm.send(
      new PutParameterCommand({
        Name: spec.parameterName,
        Type: 'SecureString',
        Value: JSON.stringify({ id, code }),
        // Says which activation the code belongs to, without anybody reading the code.
        Description: describeParameter(id),
        Tags: upper(tags),
      }),
    );
    if (!id) return undefined;
    const detail = { activationId: id, parameterName: spec.parameterName, usedUp: false };
    return observed(desired.key, desired.owners[0], detail);
  },
  async remove(aws, { detail }) {
    const { activationId, parameterName } = detail;
    if (activationId)
      await unlessGone(() => aws.ssm.send(new DeleteActivationCommand({ ActivationId: activationId })));
    if (parameterName) await unlessGone(() => removeParameter(aws, parameterName));
    return 'gone';
  },
});

/** @throws when the parameter does not carry our tag */
async function removeParameter(aws: Aws, Name: string): Promise<void> {
  const request = { ResourceType: 'Parameter' as const, ResourceId: Name };
  const { TagList } = await aws.ssm.send(new ListTagsForResourceCommand(request));
  if (!readTags(aws.scope.installation, TagList).owned)
    throw new Error(`parameter ${Name} is not ours: delete it by hand`);
  await aws.ssm.send(new DeleteParameterCommand({ Name }));
}

function specFor(claim: Claim, owner: ObjectName, region: string, settings: Settings): Spec {
  const longest = Math.min(settings.maxTtlMs, MAX_LIFE_MS);
  return {
    roleName: nameFor.role(settings.installation, region, 'ssm-service'),
    instanceName: nodeName(settings.installation, owner),
    parameterName: nameFor.parameter(settings.installation, owner),
    // To the longest life that renewals can give, so that none of them needs another code.
    expiresAt: claim.activatedAt + longest,
  };
}

function tierProblems(
  { bastion }: Claim,
  { activationTier, accountId, region }: { activationTier?: string; accountId: string; region: string },
): Problem[] {
  if (bastion.spec.access.transport !== 'HybridActivation') return [];
  if (activationTier === 'advanced') return [];
  if (activationTier === undefined) {
    const unread = `the activation tier of ${accountId} in ${region} was not read yet: the next look at AWS tells`;
    return [{ condition: 'IdentityReady', reason: 'ActivationTierUnknown', message: unread, passing: true }];
  }
  const arn = '/ssm/managed-instance/activation-tier';
  const message =
    `HybridActivation needs the advanced-instances tier, and ${accountId} in ${region} has "${activationTier}": run ` +
    `aws ssm update-service-setting --setting-id ${arn} --setting-value advanced (it bills every hybrid node), or use transport EcsExec`;
  return [{ condition: 'IdentityReady', reason: 'ActivationTierNotAdvanced', message }];
}

const PARAMETER_NOTE = 'Code of activation ';

function describeParameter(activationId: string | undefined): string {
  return `${PARAMETER_NOTE}${activationId}, made by bastion-operator`;
}

/** Joins each activation of ours with the parameter that holds its code; halves are resources too, and are replaced. */
function pair(
  aws: Aws,
  activations: readonly Activation[],
  parameters: readonly ParameterMetadata[],
): Observed<Detail>[] {
  const path = nameFor.parameterPath(aws.scope.installation);
  const codes = new Map(
    parameters.flatMap((parameter) => (parameter.Name ? [[parameter.Name, parameter]] : [])),
  );
  const paired: Observed<Detail>[] = [];
  for (const candidate of activations) {
    const tagged = readTags(aws.scope.installation, candidate.Tags);
    if (!tagged.owned || !tagged.key || !tagged.owner || !candidate.ActivationId) continue;
    const name = nameFor.parameter(aws.scope.installation, tagged.owner);
    const parameter = codes.get(name);
    const mine = parameter?.Description === describeParameter(candidate.ActivationId);
    if (mine) codes.delete(name);
    const usedUp =
      candidate.Expired === true || (candidate.RegistrationsCount ?? 0) >= (candidate.RegistrationLimit ?? 1);
    const detail = { activationId: candidate.ActivationId, usedUp, ...(mine ? { parameterName: name } : {}) };
    paired.push(observed(tagged.key, tagged.owner, detail));
  }
  for (const [name, parameter] of codes) {
    const owner = name.slice(path.length).replace(/\/activation$/, '') as ObjectName;
    // The path is ours alone; the note says that it was us who wrote the parameter.
    if (!parameter.Description?.startsWith(PARAMETER_NOTE)) continue;
    paired.push(observed(keyFor.activation(owner), owner, { parameterName: name, usedUp: false }));
  }
  return paired;
}

function observed(key: Observed['key'], owner: ObjectName | undefined, detail: Detail): Observed<Detail> {
  return {
    kind: 'activation',
    key,
    id: detail.activationId ?? detail.parameterName ?? '',
    owned: true,
    state: 'ready',
    ...(owner ? { owner } : {}),
    uses: [keyFor.role('ssm-service')],
    detail,
  };
}
