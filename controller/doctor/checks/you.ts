import { type Check, ok, problem, type Result, skipped, unknown } from '../check.ts';
import type { Permission, Picture } from '../picture.ts';

const group = 'You';

export const CALLER_CHECKS: readonly Check[] = [
  { name: 'caller', group, needs: ['caller'], run: ({ caller }) => [ok(caller?.arn ?? 'nobody')] },
  { name: 'caller-start-session', group, ...asked('ssm:StartSession') },
  { name: 'caller-end-session', group, ...asked('ssm:TerminateSession', 'ssm:ResumeSession') },
  { name: 'caller-data-channel', group, ...asked('ssmmessages:OpenDataChannel') },
  { name: 'plugin', group, needs: [], run: (picture) => [plugin(picture)] },
];

function asked(...actions: readonly string[]): Pick<Check, 'needs' | 'after' | 'run'> {
  return {
    needs: ['caller-permissions'],
    after: ['caller'],
    run: ({ callerMay }) => [
      callerMay === undefined
        ? skipped("you are the account's root")
        : judge(callerMay.filter(({ action }) => actions.includes(action))),
    ],
  };
}

const POLICIES = 'deploy/iam has policies for people who connect';

function judge(permissions: readonly Permission[]): Result {
  const text = (list: readonly Permission[]) =>
    list.map(({ action, resource }) => `${action} on ${resource}`).join(', ');
  const denied = permissions.filter(({ verdict }) => verdict === 'denied');
  if (denied.length > 0)
    return problem(`you may not: ${text(denied)}`, `let your role do this: ${text(denied)}; ${POLICIES}`);
  const unclear = permissions.filter(({ verdict }) => verdict === 'unclear');
  if (unclear.length === 0) return ok([...new Set(permissions.map(({ action }) => action))].join(', '));
  return unknown(`it depends on a condition: ${text(unclear)}`, `try it; ${POLICIES}`);
}

function plugin({ plugin: state }: Picture): Result {
  return state.ok ? ok(`session-manager-plugin ${state.version}`) : problem(state.found, state.fix);
}
