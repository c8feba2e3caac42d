import type { Log } from '../../core/log.ts';
import { Repetition, type Saying } from '../../core/repetition.ts';
import type { Clock, Timer } from '../../machinery/clock.ts';

/** What somebody has asked for just now is answered each time. */
const ANSWERS: ReadonlySet<string> = new Set([
  'cannot dump',
  'cannot signal a replica',
  'configuration not taken',
]);

/** So late at most is said what is due because time has passed. */
const LOOK_EVERY_MS = 30_000;

export interface QuietLog {
  readonly log: Log;
  /** Says what was kept back. Nothing more is timed. */
  readonly end: () => void;
}

/** A log in which what goes on is said once, then now and then, and when it is over; all else goes through as it is. */
export function quietLog(loud: Log, clock: Clock): QuietLog {
  const repetition = new Repetition();
  let timer: Timer | undefined;
  const say = (sayings: readonly Saying[]) => {
    for (const { level, message, fields } of sayings) loud(level, message, fields);
  };
  const arm = () => {
    if (!repetition.isEmpty()) timer ??= clock.setTimer(LOOK_EVERY_MS, tellDue);
  };
  const tellDue = () => {
    timer = undefined;
    say(repetition.due(clock.now()));
    arm();
  };
  const log: Log = Object.assign(
    (level: Saying['level'], message: string, fields: Saying['fields'] = {}) => {
      if (ANSWERS.has(message)) return loud(level, message, fields);
      const said = repetition.hear(clock.now(), { level, message, fields });
      if (said) say([said]);
      arm();
    },
    {
      over: (message: string, isOver: (fields: Saying['fields']) => boolean | undefined) => {
        say(repetition.over(clock.now(), message, isOver));
        arm();
      },
    },
  );
  const end = () => {
    timer?.cancel();
    say(repetition.end());
  };
  return { log, end };
}
