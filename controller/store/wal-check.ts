import { readFileSync } from 'node:fs';

/**
 * Whether the journal (SQLite's write-ahead log) lost what was acknowledged. The engine itself reads it up to the first frame that
 * is not whole, and forgets the rest in silence: right after a crash in the middle of a write, and a loss after damage.
 *
 * Acknowledged frames were synced before the index (`-shm`) counted them. So a journal with fewer whole frames than its index
 * counts is damaged, and so is one with two commits or more in one row behind the first broken frame, as no write begins before the
 * one before it is synced. An index that is no whole one is rebuilt from the journal, and says nothing.
 *
 * Only for a process that has not opened the database: closing any descriptor of a file drops all locks of the process on it.
 * @param indexPath left out where the index may be older than the journal
 * @returns what is wrong
 */
export function journalDamage(walPath: string, indexPath: string | undefined): string | undefined {
  // The index first: others may go on writing meanwhile, and a journal only grows until it is begun anew.
  const index = indexPath === undefined ? undefined : parseIndex(readIfAny(indexPath));
  const wal = readIfAny(walPath);
  const pending = index !== undefined && index.frames > index.backfilled;
  if (!wal || wal.length === 0) return pending ? 'its journal is missing' : undefined;
  const head = parseHead(wal);
  if (!head)
    return wal.length >= HEAD_BYTES || pending ? 'the head of its journal was overwritten' : undefined;
  const { whole, commitsBehind } = readFrames(wal, head);
  if (commitsBehind > 1) return `its journal is broken after ${whole} frames`;
  const isSame = index?.salt.equals(head.salt);
  if (isSame && pending && index.frames > whole)
    return `its journal has ${whole} whole frames of ${index.frames}`;
  return undefined;
}

const HEAD_BYTES = 32;
const FRAME_HEAD_BYTES = 24;
const MAGIC = 0x377f0682;
const INDEX_HEAD_BYTES = 48;
/** The two copies of the index's head, then how many frames are in the database already. */
const INDEX_BYTES = 2 * INDEX_HEAD_BYTES + 4;

interface Head {
  readonly isBigEndian: boolean;
  readonly pageBytes: number;
  readonly salt: Buffer;
  readonly sum: Sum;
}

type Sum = readonly [number, number];

function readIfAny(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // None; or one that cannot be read, of which the engine says so.
    return undefined;
  }
}

function parseHead(wal: Buffer): Head | undefined {
  if (wal.length < HEAD_BYTES) return undefined;
  const magic = wal.readUInt32BE(0);
  if (magic >>> 1 !== MAGIC >>> 1) return undefined;
  const isBigEndian = (magic & 1) === 1;
  const sum = checksum(wal.subarray(0, 24), [0, 0], isBigEndian);
  if (sum[0] !== wal.readUInt32BE(24) || sum[1] !== wal.readUInt32BE(28)) return undefined;
  return { isBigEndian, pageBytes: wal.readUInt32BE(8), salt: wal.subarray(16, 24), sum };
}

/**
 * How many frames there are without a gap, and how many commits of the same journal stand behind them in one row. Each frame goes
 * on from the checksum of the one before it: what several processes left that died in a commit is rows of one commit each.
 */
function readFrames(wal: Buffer, { isBigEndian, pageBytes, salt, sum: first }: Head) {
  let sum = first;
  let whole = 0;
  let commits = 0;
  let commitsBehind = 0;
  let isBroken = false;
  const frameBytes = FRAME_HEAD_BYTES + pageBytes;
  for (let at = HEAD_BYTES; at + frameBytes <= wal.length; at += frameBytes) {
    const frame = wal.subarray(at, at + frameBytes);
    const isOurs = frame.subarray(8, 16).equals(salt);
    const stored: Sum = [frame.readUInt32BE(16), frame.readUInt32BE(20)];
    sum = checksum(frame.subarray(0, 8), sum, isBigEndian);
    sum = checksum(frame.subarray(FRAME_HEAD_BYTES), sum, isBigEndian);
    const goesOn = isOurs && sum[0] === stored[0] && sum[1] === stored[1];
    sum = stored;
    if (goesOn && !isBroken) {
      whole++;
      continue;
    }
    isBroken = true;
    if (!goesOn) commits = 0;
    if (isOurs && frame.readUInt32BE(4) !== 0) commits++;
    commitsBehind = Math.max(commitsBehind, commits);
  }
  return { whole, commitsBehind };
}

/** SQLite's own: see its file format, "Checksum Algorithm". */
function checksum(data: Buffer, start: Sum, isBigEndian: boolean): Sum {
  let [a, b] = start;
  for (let at = 0; at < data.length; at += 8) {
    a = (a + (isBigEndian ? data.readUInt32BE(at) : data.readUInt32LE(at)) + b) >>> 0;
    b = (b + (isBigEndian ? data.readUInt32BE(at + 4) : data.readUInt32LE(at + 4)) + a) >>> 0;
  }
  return [a, b];
}

/** In the byte order of the machine, which is little-endian on all that Node runs on but one. */
function parseIndex(index: Buffer | undefined) {
  if (!index || index.length < INDEX_BYTES) return undefined;
  const head = index.subarray(0, INDEX_HEAD_BYTES);
  if (!head.equals(index.subarray(INDEX_HEAD_BYTES, 2 * INDEX_HEAD_BYTES))) return undefined;
  const sum = checksum(head.subarray(0, 40), [0, 0], false);
  if (sum[0] !== head.readUInt32LE(40) || sum[1] !== head.readUInt32LE(44) || head[12] !== 1)
    return undefined;
  return {
    frames: head.readUInt32LE(16),
    salt: head.subarray(32, 40),
    backfilled: index.readUInt32LE(2 * INDEX_HEAD_BYTES),
  };
}
