import type { OracleFactory } from '../oracle.ts';
import { closingWins } from './closing-wins.ts';
import { endsAlone } from './ends-alone.ts';
import { heldIsOurs } from './held-is-ours.ts';
import { idleEnd } from './idle-end.ts';
import { latchedEnd } from './latched-end.ts';
import { monotoneStatus } from './monotone-status.ts';
import { noAmnesia } from './no-amnesia.ts';
import { noDuplicate } from './no-duplicate.ts';
import { noHarm } from './no-harm.ts';
import { noHotLoop } from './no-hot-loop.ts';
import { noOpenDoor } from './no-open-door.ts';
import { noSecret } from './no-secret.ts';
import { noTugOfWar } from './no-tug-of-war.ts';
import { noWordNoOpening } from './no-word-no-opening.ts';
import { nothingLost } from './nothing-lost.ts';
import { onRecord } from './on-record.ts';
import { oneLeader } from './one-leader.ts';
import { orderedTeardown } from './ordered-teardown.ts';
import { ownedOnly } from './owned-only.ts';
import { polls } from './polls.ts';
import { prompt } from './prompt.ts';
import { quietRecords } from './quiet-records.ts';
import { truthfulEnd } from './truthful-end.ts';
import { unknownIsNotAbsent } from './unknown-is-not-absent.ts';

/** The promises that are checked in every history, after every effect. */
export const ORACLES: readonly OracleFactory[] = [
  ownedOnly,
  noDuplicate,
  noOpenDoor,
  noHarm,
  noAmnesia,
  orderedTeardown,
  noSecret,
  monotoneStatus,
  noHotLoop,
  truthfulEnd,
  oneLeader,
  prompt,
  polls,
  nothingLost,
  idleEnd,
  latchedEnd,
  heldIsOurs,
  onRecord,
  endsAlone,
  closingWins,
  unknownIsNotAbsent,
  noWordNoOpening,
  quietRecords,
  noTugOfWar,
];
