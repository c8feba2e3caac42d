import { RefusedError } from './refused-error.ts';

export interface TreeEntry {
  readonly path: string;
  /** Octal, as git writes it: 120000 is a symbolic link, 160000 a submodule. */
  readonly mode: string;
  readonly blob: string;
  readonly bytes: number;
}

/** Ten times what large monorepos hold; trees that hold one another many times over are larger. */
const MAX_ENTRIES = 1_000_000;
/** What is kept of a listing stays in memory. */
const MAX_KEPT = 50_000;
const MAX_KEPT_BYTES = 16 * 1024 * 1024;
/** No file system has longer ones. */
const MAX_PATH_BYTES = 4_096;
const NARROW = 'Narrow the source by a path.';

const MANIFEST = /\.(ya?ml|json)$/i;
/** A symbolic link, or a submodule: what is behind it is not read, and not known not to be a manifest. */
const UNREAD = /^1[26]0000 /;
const FOLDER = /^040000 /;

/**
 * Takes the output of `git ls-tree -r -t -z -l` in parts and keeps what can matter to a source: of other files nothing is kept, however
 * many there are.
 */
export class TreeListing {
  readonly entries: TreeEntry[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #count = 0;
  #keptBytes = 0;
  readonly #isEverything: boolean;

  /** @param isEverything keeps whatever is no folder, for a listing of a few paths */
  constructor(isEverything = false) {
    this.#isEverything = isEverything;
  }

  /** @throws RefusedError */
  add(part: Buffer): void {
    const whole = this.#pending.length === 0 ? part : Buffer.concat([this.#pending, part]);
    let start = 0;
    for (let end = whole.indexOf(0); end >= 0; end = whole.indexOf(0, start)) {
      this.#addEntry(whole.subarray(start, end));
      start = end + 1;
    }
    this.#pending = Buffer.from(whole.subarray(start));
    if (this.#pending.length > 2 * MAX_PATH_BYTES) refuse(`a path of more than ${MAX_PATH_BYTES} bytes`, '');
  }

  #addEntry(raw: Buffer): void {
    this.#count += 1;
    if (this.#count > MAX_ENTRIES) refuse(`more than ${MAX_ENTRIES} files and folders`, NARROW);
    const tab = raw.indexOf(9);
    if (tab < 0) return;
    if (raw.length - tab > MAX_PATH_BYTES) refuse(`a path of more than ${MAX_PATH_BYTES} bytes`, '');
    const text = raw.toString('utf8');
    if (FOLDER.test(text)) return;
    const entry = parseEntry(text);
    if (!this.#isEverything && !MANIFEST.test(entry.path) && !UNREAD.test(text)) return;
    this.#keptBytes += raw.length;
    const isTooMuch = this.entries.length >= MAX_KEPT || this.#keptBytes > MAX_KEPT_BYTES;
    if (isTooMuch) refuse(`more than ${this.entries.length} manifests, links and submodules`, NARROW);
    this.entries.push(entry);
  }
}

function parseEntry(line: string): TreeEntry {
  const tab = line.indexOf('\t');
  const [mode = '', , blob = '', bytes = ''] = line.slice(0, tab).split(/\s+/);
  return { path: line.slice(tab + 1), mode, blob, bytes: Number(bytes) || 0 };
}

function refuse(what: string, advice: string): never {
  throw new RefusedError(`The commit holds ${what}. ${advice}`.trim());
}
