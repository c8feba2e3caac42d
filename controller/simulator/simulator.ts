import { Account, type AccountOptions, type SimulatedRegion } from './account.ts';
import { Calls } from './calls.ts';
import { Faults } from './faults.ts';
import { createRequestHandler, type RequestHandler } from './sdk-handler.ts';
import type { DataChannel } from './ssm/sessions.ts';
import { RoleSessions } from './sts/sessions.ts';
import { Throttle } from './throttle.ts';
import { type Call, decodeRequest } from './wire/decode.ts';
import { encodeFault, encodeResult, type WireResponse } from './wire/encode.ts';
import type { WireRequest } from './wire/request.ts';
import { AwsFault, type Operation, Revision } from './world.ts';

/** What changes nothing. */
const READS = /^(Describe|Get|List)/;

export type { SimulatedRegion } from './account.ts';
export interface SimulatorOptions extends Omit<AccountOptions, 'revision'> {
  /**
   * A read is answered as before while nothing changes: for whoever sends the same request objects again and again, and calls
   * `touch` after each change of the state past `handle`.
   */
  readonly keepsAnswers?: boolean;
}

/**
 * A simulated AWS account, seen from its base region, and whichever others the roles are of that are assumed. State is in
 * memory; time is the clock's.
 */
export interface Simulator extends SimulatedRegion {
  readonly calls: Calls;
  readonly faults: Faults;
  /** Another region of the same account, made when first asked for. */
  readonly inRegion: (name: string) => SimulatedRegion;
  /** Another account, made when first asked for. */
  readonly inAccount: (accountId: string) => Pick<Account, 'base' | 'region'>;
  /** Keys of tags that nothing may have, as where an organization has a tag policy. */
  readonly refusedTags: Set<string>;
  /** Off: requests are never throttled. */
  throttling: boolean;
  /** Makes everything that is due by the clock take effect. Every request does so first. */
  readonly settle: () => void;
  /** Says that somebody has changed the state past `handle`. */
  readonly touch: () => void;
  /** What `read` gives; not asked again while nothing changes, unless it depends on the time. */
  readonly kept: <T>(read: () => T) => () => T;
  /** Holds on to a session, as the plugin does; `onEnd` is called when it has ended. Undefined for a wrong token. */
  readonly openChannel: (
    who: { readonly id: string; readonly token: string },
    onEnd: () => void,
  ) => DataChannel | undefined;
  /** Answers one HTTP request. @throws LostReply when a fault says that no reply comes */
  readonly handle: (request: WireRequest) => WireResponse;
  /** Given to any SDK client as its `requestHandler`, connects it with this simulator, without a socket. */
  readonly requestHandler: RequestHandler;
}

export function createSimulator(options: SimulatorOptions): Simulator {
  const sessions = new RoleSessions();
  const revision = new Revision();
  const home = new Account({ ...options, revision }, sessions);
  const accounts = new Map([[options.accountId, home]]);
  const inAccount = (accountId: string): Account => {
    const account = accounts.get(accountId) ?? new Account({ ...options, accountId, revision }, sessions);
    accounts.set(accountId, account);
    return account;
  };
  const settle = () => {
    for (const account of accounts.values()) account.settle();
  };
  const calls = new Calls();
  const faults = new Faults();
  const throttle = new Throttle();
  const kept = <T>(read: () => T) => keep(revision, read);
  const answers = new WeakMap<WireRequest, () => WireResponse>();
  let requests = 0;

  /** The effect and the answer of a request that was let in. */
  function carryOut(request: WireRequest, call: Call, run: Operation, requestId: string): WireResponse {
    const answer = () => encodeResult(call, run(call.input), requestId);
    const isRead = READS.test(call.operation);
    if (!isRead) revision.changes += 1;
    if (!isRead || !options.keepsAnswers) return answer();
    const known = answers.get(request) ?? kept(answer);
    answers.set(request, known);
    return known();
  }

  function handle(request: WireRequest): WireResponse {
    const requestId = `00000000-0000-4000-8000-${String(++requests).padStart(12, '0')}`;
    const call = readCall(request);
    if (call instanceof AwsFault) return encodeFault({ protocol: 'json' }, call, requestId);
    settle();
    const { service, operation, region = options.region } = call;
    const record = { service, operation, region, at: home.base.world.now() };
    try {
      const accountId = sessions.accountOf(call.accessKeyId, record.at) ?? options.accountId;
      const run = inAccount(accountId).operation(region, call);
      if (simulator.throttling) throttle.admit(call, `${accountId} ${region}`, record.at);
      checkTagPolicy(simulator.refusedTags, call);
      const response = faults.around(service, operation, () => carryOut(request, call, run, requestId));
      calls.record(record);
      return response;
    } catch (error) {
      calls.record({ ...record, code: error instanceof AwsFault ? error.code : String(error) });
      if (!(error instanceof AwsFault)) throw error;
      return encodeFault(call, error, requestId);
    }
  }

  const simulator: Simulator = {
    ...home.base,
    ...{
      calls,
      faults,
      handle,
      refusedTags: new Set(),
      throttling: true,
      requestHandler: createRequestHandler(handle),
    },
    inRegion: (name) => home.region(name),
    inAccount,
    settle,
    touch: () => {
      revision.changes += 1;
    },
    kept,
    openChannel: (who, onEnd) => {
      for (const account of accounts.values()) {
        const channel = account.openChannel(who, onEnd);
        if (channel) return channel;
      }
      return undefined;
    },
  };
  return simulator;
}

function keep<T>(revision: Revision, read: () => T): () => T {
  let known: { readonly at: number; readonly value: T } | undefined;
  return () => {
    if (known?.at === revision.changes) return known.value;
    const { changes, timesAsked } = revision;
    const value = read();
    const isLasting = revision.timesAsked === timesAsked && revision.changes === changes;
    known = isLasting ? { at: changes, value } : undefined;
    return value;
  };
}

/** Tags stand in requests under many names, and always in pairs with a key. */
function checkTagPolicy(refused: ReadonlySet<string>, { service, operation, input }: Call): void {
  if (refused.size === 0 || /^(Untag|Remove|Delete|Describe|Get|List)/.test(operation)) return;
  const found = keysIn(input).find((key) => refused.has(key));
  if (found === undefined) return;
  const code = service === 'ec2' ? 'TagPolicyViolation' : 'TagPolicyException';
  throw new AwsFault(
    code,
    `The tag policy does not allow the specified value for the following tag key: '${found}'.`,
  );
}

function keysIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    (name === 'Key' || name === 'key') && typeof one === 'string'
      ? [one]
      : name === 'tags' && !Array.isArray(one)
        ? Object.keys({ ...one })
        : keysIn(one),
  );
}

function readCall(request: WireRequest): Call | AwsFault {
  try {
    const message = 'The request names neither an AWS service nor an operation.';
    return decodeRequest(request) ?? new AwsFault('MissingAction', message);
  } catch (error) {
    if (error instanceof AwsFault) return error;
    throw error;
  }
}
