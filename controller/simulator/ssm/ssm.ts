import type { Iam } from '../iam/iam.ts';
import type { Operation, World } from '../world.ts';
import { activationOperations } from './activations.ts';
import { nodeOperations, pingStatus, type Registration, registerNode, taggingOperations } from './nodes.ts';
import { findParameter, parameterOperations } from './parameters.ts';
import {
  type DataChannel,
  endSessions,
  openChannel,
  type SessionNotice,
  sessionOperations,
  settingOperations,
  type TaskTargetLookup,
} from './sessions.ts';
import type { SsmState } from './state.ts';

/** Simulated Systems Manager: activations, managed nodes, parameters, sessions and the tier setting. */
export interface Ssm {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly state: SsmState;
  /** An agent registers with an activation and gets its node id. @throws AwsFault */
  register(registration: Registration): string;
  isOnline(nodeId: string): boolean;
  /** A parameter's plain value, by name or ARN. */
  parameterValue(nameOrArn: string): string | undefined;
  /** ECS says which of its tasks can be session targets. */
  answerTaskTargets(lookup: TaskTargetLookup): void;
  /** Told of each session that starts or ends. */
  noticeSessions(notice: SessionNotice): void;
  endSessions(target: string): void;
  /** Undefined for a token that is not this session's, and for a session that has ended. */
  openChannel(
    who: { readonly id: string; readonly token: string },
    onEnd: () => void,
  ): DataChannel | undefined;
}

export function createSsm(world: World, { iam }: { readonly iam: Iam }): Ssm {
  const state: SsmState = {
    activations: new Map(),
    nodes: new Map(),
    parameters: new Map(),
    sessions: new Map(),
    tier: { value: 'standard', changedAt: undefined },
  };
  let isTaskConnected: TaskTargetLookup = () => false;
  let notice: SessionNotice = () => {};
  const tell: SessionNotice = (session) => notice(session);
  const end = (target: string) => endSessions(world, state, target, tell);
  return {
    operations: {
      ...activationOperations(world, iam, state),
      ...nodeOperations(world, state, end),
      ...taggingOperations(state),
      ...parameterOperations(world, state),
      ...sessionOperations(world, state, (target) => isTaskConnected(target), tell),
      ...settingOperations(world, state),
    },
    state,
    register: (registration) => registerNode(world, state, registration),
    isOnline: (nodeId) => {
      const node = state.nodes.get(nodeId);
      return node !== undefined && pingStatus(world, node) === 'Online';
    },
    parameterValue: (nameOrArn) => findParameter(state, nameOrArn)?.value,
    answerTaskTargets: (lookup) => {
      isTaskConnected = lookup;
    },
    noticeSessions: (listener) => {
      notice = listener;
    },
    endSessions: end,
    openChannel: (who, onEnd) => openChannel(state, who, onEnd),
  };
}
