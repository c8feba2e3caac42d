import { SessionError, type Sessions, type StartedSession } from '../api/session.ts';
import { type Clock, LateError, within } from '../machinery/clock.ts';

const LONGEST_END_MS = 10_000;

export interface EndingParts {
  readonly sessions: Sessions;
  readonly session: StartedSession;
  readonly clock: Clock;
}

/** @throws SessionError */
export async function endSession({ sessions, session, clock }: EndingParts): Promise<void> {
  try {
    await within(clock, LONGEST_END_MS, () => sessions.terminate(session));
  } catch (error) {
    if (!(error instanceof LateError)) throw error;
    throw new SessionError(
      'Unreachable',
      `Session Manager does not answer: session ${session.id} may still be open`,
      `end it with: aws ssm terminate-session --region ${session.region} --session-id ${session.id}`,
      { cause: error },
    );
  }
}

/** Does not wait for what cannot be told to stop. @throws the signal's reason */
export async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
