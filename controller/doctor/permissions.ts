import type { Bastion } from '../api/bastion.ts';
import type { Scope } from '../aws/aws.ts';
import type { Caller } from '../aws/caller.ts';
import type { Question } from '../aws/simulate.ts';
import { TAG } from '../aws/tags.ts';
import { keyFor, nameFor, partitionOf } from '../core/key.ts';
import { objectName } from '../machinery/object.ts';

/** What a person needs who connects to this Bastion: asked with the tags that its task and its node carry. */
export function questionsOfCaller(bastion: Bastion, scope: Scope, caller: Caller): readonly Question[] {
  const ssm = `arn:${partitionOf(scope.region)}:ssm:${scope.region}`;
  const document =
    bastion.spec.targets.length > 0
      ? `${ssm}::document/AWS-StartPortForwardingSessionToRemoteHost`
      : `${ssm}:${scope.accountId}:document/SSM-SessionManagerRunShell`;
  const context = {
    'aws:userid': caller.userId,
    // AWS checks the document when a request names one, as one for a port does and one for a shell does not.
    ...(bastion.spec.targets.length > 0 ? { 'ssm:SessionDocumentAccessCheck': 'true' } : {}),
    ...tagContext(bastion, scope),
  };
  const ownSession = `${ssm}:${scope.accountId}:session/${caller.userId}-doctor`;
  return [
    { actions: ['ssm:StartSession'], resource: targetArn(bastion, scope), context },
    { actions: ['ssm:StartSession'], resource: document, context },
    { actions: ['ssm:TerminateSession', 'ssm:ResumeSession'], resource: ownSession, context },
    { actions: ['ssmmessages:OpenDataChannel'], resource: ownSession, context },
  ];
}

function targetArn(bastion: Bastion, { region, accountId, installation }: Scope): string {
  const target = bastion.status?.sessionTarget ?? '';
  const prefix = `arn:${partitionOf(region)}`;
  if (bastion.spec.access.transport === 'HybridActivation') {
    const id = target.startsWith('mi-') ? target : 'mi-0123456789abcdef0';
    return `${prefix}:ssm:${region}:${accountId}:managed-instance/${id}`;
  }
  const cluster = nameFor.cluster(installation);
  // ecs:<cluster>_<task>_<runtime>
  const task = target.startsWith('ecs:') ? target.slice(4 + cluster.length + 1).split('_')[0] : undefined;
  return `${prefix}:ecs:${region}:${accountId}:task/${cluster}/${task ?? '0'.repeat(32)}`;
}

function tagContext(bastion: Bastion, { installation }: Scope): Record<string, string> {
  const owner = objectName(bastion);
  const tags = {
    ...bastion.spec.tags,
    [TAG.installation]: installation,
    [TAG.bastion]: owner,
    [TAG.key]: bastion.spec.access.transport === 'EcsExec' ? keyFor.task(owner) : keyFor.activation(owner),
  };
  const prefixes = ['aws:ResourceTag/', 'ssm:resourceTag/', 'ecs:ResourceTag/'];
  return Object.fromEntries(
    Object.entries(tags).flatMap(([name, value]) => prefixes.map((prefix) => [`${prefix}${name}`, value])),
  );
}
