import { type Bastion, condition } from '../api/bastion.ts';
import { oneLine, visibleLine } from '../machinery/text.ts';
import type { CliIo } from './io.ts';
import { steer } from './visible-io.ts';

export interface Progress {
  /** Says what is waited for now. */
  show(text: string): void;
  /** Takes the live line away, so that something else can be written. */
  clear(): void;
}

const CLEAR_LINE = '\r\u001b[2K';

/** On stderr: one live line on a terminal; on a pipe a plain line whenever the text changes. */
export function createProgress({ stderr }: CliIo): Progress {
  let shown = '';
  return {
    show(text) {
      if (text === shown) return;
      shown = text;
      if (!stderr.isTTY) stderr.write(`${text}\n`);
      // A line that wraps could not be cleared again.
      else steer(stderr, CLEAR_LINE + visibleLine(text).slice(0, (stderr.columns ?? 80) - 1));
    },
    clear() {
      if (stderr.isTTY && shown !== '') steer(stderr, CLEAR_LINE);
      if (stderr.isTTY) shown = '';
    },
  };
}

/** What a Bastion is busy with, for people who wait for it. */
export function busyWith(bastion: Bastion): string {
  const { metadata, status } = bastion;
  const isLeaving = metadata.deletionTimestamp !== undefined;
  const telling = condition(bastion, isLeaving ? 'TornDown' : 'Ready');
  const phase = status?.phase ?? (isLeaving ? 'Terminating' : 'Pending');
  if (!telling) return `bastion/${metadata.name}: ${phase}: waiting for the controller`;
  return oneLine(`bastion/${metadata.name}: ${phase}: ${telling.message || telling.reason}`);
}
