import type { Bastion } from '../../../controller/api/bastion.ts';
import type { Call } from '../boundary.ts';
import type { Thing } from '../inventory.ts';
import { endOf } from '../life-model.ts';
import type { OracleFactory } from '../oracle.ts';

const TRIED_MS = 600_000;
/** A look can be older than a session that was opened just before. */
const SEEN_MS = 60_000;

/** What ends somebody's way in, and what has to be ended before it. */
const ENDS: Readonly<Record<string, { readonly kind: string; readonly before: readonly string[] }>> = {
  'ecs:StopTask': { kind: 'task', before: ['target-ingress', 'session'] },
  'ssm:DeregisterManagedInstance': { kind: 'managed-instance', before: ['session'] },
};
/** How each of those is ended. */
const TRIES: Readonly<Record<string, string>> = {
  'ec2:RevokeSecurityGroupIngress': 'target-ingress',
  'ssm:TerminateSession': 'session',
};

/** Whoever is connected is so through these. */
const endsNetwork = ({ name }: Call) => name === 'ec2:DeleteVpcEndpoints';

/** Sessions are ended and grants revoked before the task is stopped; one that cannot be seen or ended does not keep the task. */
export const orderedTeardown: OracleFactory = ({
  now,
  bastions,
  things,
  troubledUntil,
  wasMisled,
  violate,
}) => {
  const triedAt = new Map<string, number>();
  const sessionsSeenAt = new Map<string, number>();
  /** The task of an open one may be replaced: its successor is let in by the same grant. */
  const isOpen = (bastion: Bastion | undefined) =>
    bastion !== undefined &&
    bastion.metadata.deletionTimestamp === undefined &&
    bastion.spec.suspend !== true &&
    now() < (endOf(bastion) ?? Number.POSITIVE_INFINITY);
  const wasUntried = (kind: string) => now() - (triedAt.get(kind) ?? Number.NEGATIVE_INFINITY) > TRIED_MS;
  const isKnown = ({ kind, id }: Thing) =>
    kind !== 'session' || now() - (sessionsSeenAt.get(id) ?? now()) > SEEN_MS;
  /** One that is open and was told to go by NAT gives up its endpoints by its own spec, also where there is no NAT. */
  const isNeeded = (bastion: Bastion | undefined, vpcId: string | undefined) =>
    bastion?.spec.network.vpcId === vpcId && !(isOpen(bastion) && bastion?.spec.network.path === 'Nat');
  /** However little of AWS answers: that no task was seen does not mean that there is none. */
  const checkNetwork = (call: Call) => {
    const before = things('ec2').filter((one) => isEndpoint(one) && one.isLive);
    return () => {
      const left = new Set(things('ec2').flatMap(({ id, isLive }) => (isLive ? [id] : [])));
      for (const endpoint of before.filter(({ id }) => !left.has(id))) {
        const vpcId = endpoint.key?.split('/')[1];
        const user = things('ecs').find(
          ({ kind, isOurs, owner = '' }) => kind === 'task' && isOurs && isNeeded(bastions.get(owner), vpcId),
        );
        if (user && !wasMisled())
          violate('ordered-teardown', `${call.name} took ${endpoint.id} from ${user.id} of ${user.owner}`);
      }
    };
  };
  return {
    name: 'ordered-teardown',
    onTick: () => {
      for (const { kind, id } of things('ssm'))
        if (kind === 'session' && !sessionsSeenAt.has(id)) sessionsSeenAt.set(id, now());
    },
    onAttempt: ({ name }) => {
      const kind = TRIES[name];
      if (kind) triedAt.set(kind, now());
    },
    aroundEffect: (call, service) => {
      if (endsNetwork(call)) return checkNetwork(call);
      const end = ENDS[call.name];
      if (!end || now() < troubledUntil()) return undefined;
      const live = things(service).filter(
        ({ isOurs, isLive, kind }) => isOurs && isLive && kind === end.kind,
      );
      const first = ['ec2', 'ssm']
        .flatMap(things)
        .filter((one) => one.isOurs && end.before.includes(one.kind) && wasUntried(one.kind) && isKnown(one));
      return () => {
        const left = new Set(things(service).flatMap(({ id, isLive }) => (isLive ? [id] : [])));
        for (const { id, owner } of live) {
          const isKept = left.has(id) || isOpen(bastions.get(owner ?? ''));
          const open = isKept ? undefined : first.find((one) => one.owner === owner);
          if (open) violate('ordered-teardown', `${id} of ${owner} ended before ${open.kind} ${open.id}`);
        }
      };
    },
  };
};

function isEndpoint({ kind, isOurs }: Thing): boolean {
  return kind === 'vpc-endpoint' && isOurs;
}
