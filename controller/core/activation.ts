import {
  ACTIVATION_TIMES,
  type Activation,
  ANNOTATION,
  type Bastion,
  type BastionStatus,
} from '../api/bastion.ts';
import { isFarAhead, rfc3339 } from '../machinery/clock.ts';
import { type Life, renewalOf, timeOf } from './lifetime.ts';

const TIMES: ReadonlySet<string> = new Set(ACTIVATION_TIMES);

/** None: it was never open, or was closed by somebody, so that the next opening is a new one. */
const NO_ACTIVATION: Activation = {};

/** The activation as it is to be put on record. */
export function activationOf(bastion: Bastion, life: Life, now: number): Activation {
  switch (life.state) {
    case 'active':
      return {
        ...{ ...timesOf(life.activatedAt, life.expiresAt), ...renewalSeen(bastion, now) },
        ...endStillHeld(bastion, life.expiresAt),
      };
    case 'expired': {
      const { activatedAt, expiredAt } = life;
      const renewal = { ...renewalSeen(bastion, now), ...renewalTooLate(bastion, now) };
      return { ...timesOf(activatedAt, expiredAt), endedAt: rfc3339(expiredAt), ...renewal };
    }
    // It is closed for as long as its spec says nothing: that is no new opening.
    case 'invalid':
      return recordedActivation(bastion.status);
    default:
      return NO_ACTIVATION;
  }
}

export function recordedActivation(status: BastionStatus | undefined): Activation {
  const present = ACTIVATION_TIMES.flatMap((field) =>
    status?.[field] === undefined ? [] : [[field, status[field]]],
  );
  return Object.fromEntries(present);
}

/** The Bastion as if its status said what is on record. */
export function withActivation(bastion: Bastion, activation: Activation): Bastion {
  const others = Object.entries(bastion.status ?? {}).filter(([field]) => !TIMES.has(field));
  return { ...bastion, status: { ...Object.fromEntries(others), ...activation } };
}

function timesOf(activatedAt: number, expiresAt: number): Activation {
  return { activatedAt: rfc3339(activatedAt), expiresAt: rfc3339(expiresAt) };
}

/** After a renewal the end lies beyond it. */
function endStillHeld({ status }: Bastion, expiresAt: number): Activation {
  const { endsBy } = status ?? {};
  return endsBy !== undefined && expiresAt <= (timeOf(endsBy) ?? 0) ? { endsBy } : {};
}

/** A renewal dated hours ahead was meant for the activation that has ended: nobody would be there when it opened by itself. */
function renewalTooLate({ metadata }: Bastion, now: number): Activation {
  const text = metadata.annotations?.[ANNOTATION.renewedAt];
  return text !== undefined && isFarAhead(timeOf(text), now) ? { renewedAt: text } : {};
}

/** One that lies ahead has not been seen. */
function renewalSeen(bastion: Bastion, now: number): Activation {
  const text = bastion.metadata.annotations?.[ANNOTATION.renewedAt];
  const isSeen = text !== undefined && renewalOf(bastion, now) !== undefined;
  const renewedAt = isSeen ? text : bastion.status?.renewedAt;
  return renewedAt === undefined ? {} : { renewedAt };
}
