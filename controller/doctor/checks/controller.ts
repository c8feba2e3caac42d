import { type Check, ok, problem, type Result, skipped, unknown } from '../check.ts';
import type { Picture } from '../picture.ts';
import { DATABASE_FAULTS } from './targets.ts';

const group = 'Controller';
const POLICY = 'deploy/iam/controller-policy.json';

export const CONTROLLER_CHECKS: readonly Check[] = [
  { name: 'controller-refused', group, needs: [], run: (picture) => [refused(picture)] },
  { name: 'controller-role', group, needs: ['controller-permissions'], run: (picture) => [role(picture)] },
  {
    ...{ name: 'preflight', group, after: ['region', 'vpc-exists'] },
    needs: ['vpcs', 'dns', 'network', 'groups', 'endpoints', 'zones', 'tier'],
    run: preflight,
  },
];

const DENIED = /AccessDenied|UnauthorizedOperation|not authorized to perform/i;

/** What the controller itself has met, as the Bastion tells. */
function refused({ bastion, isApplied }: Picture): Result {
  const { conditions = [], resources = [] } = bastion.status ?? {};
  const messages = [...conditions.filter(({ status }) => status !== 'True'), ...resources].map(
    ({ message }) => message,
  );
  const denial = messages.find((message) => DENIED.test(message ?? ''));
  if (denial === undefined) {
    return isApplied
      ? ok('AWS has refused the controller nothing')
      : skipped('it has not looked at this Bastion yet');
  }
  const action = /not authorized to perform:? ([a-zA-Z0-9]+:[A-Za-z]+)/.exec(denial)?.[1];
  const fix = action
    ? `give the controller's role ${action}: ${POLICY}`
    : `compare the controller's role with ${POLICY}`;
  return problem(`AWS refuses the controller: ${denial}`, fix);
}

function role({ controllerRole, controllerMay, settings }: Picture): Result {
  if (controllerRole === undefined) return skipped('not asked: name its role with --controller-role ARN');
  const actionsOf = (verdict: string) => [
    ...new Set(controllerMay.filter((one) => one.verdict === verdict).map(({ action }) => action)),
  ];
  const denied = actionsOf('denied');
  // The policy lets it make roles under the boundary only.
  const flag = settings.permissionsBoundary ? '' : ', and start the controller with --permissions-boundary';
  if (denied.length > 0)
    return problem(`${controllerRole} may not ${denied.join(', ')}`, `attach ${POLICY} to it${flag}`);
  const unclear = actionsOf('unclear');
  if (unclear.length > 0)
    return unknown(`it depends on conditions: ${unclear.join(', ')}`, `compare it with ${POLICY}`);
  return ok(`${controllerRole} may do all that is in ${POLICY}`);
}

/** Told by checks of their own, in the same picture. */
const TOLD: ReadonlySet<string> = new Set([
  'RegionNotSupported',
  'VpcNotFound',
  'SubnetNotFound',
  'SubnetInOtherVpc',
  'DuplicateSubnetsInSameZone',
  'NoNatRoute',
  'VpcDnsAttributesOff',
  'ZoneNotSupported',
  'EndpointRefusesTask',
  'TargetGroupNotFound',
  'ImageNotReachable',
  'ActivationTierNotAdvanced',
]);

/** Whatever else would make the controller refuse to begin. */
function preflight({ problems }: Picture): readonly Result[] {
  const others = problems.filter(
    ({ reason, passing }) => !passing && !TOLD.has(reason) && !DATABASE_FAULTS.has(reason),
  );
  if (others.length === 0) return [ok('nothing keeps the controller from beginning')];
  return others.map(({ reason, message }) =>
    problem(message, 'correct the manifest and apply it again', reason),
  );
}
