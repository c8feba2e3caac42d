import type { ObjectReader } from './object-reader.ts';

/** A commit, and what git says of its signature. */
export interface SignedCommit {
  readonly commit: string;
  readonly tree: string;
  readonly parents: readonly string[];
  /** `Name <email>`, as the commit says, whoever signed it. */
  readonly author: string;
  /** The one of the allowed signers who signed it; left out when none did. */
  readonly signer?: string;
  /** Fingerprint of the key; empty when there is no signature that ssh-keygen can read. */
  readonly key: string;
}

const FORMAT = ['%H', '%T', '%P', '%G?', '%GF', '%GS', '%an <%ae>'].join('%x00');
/** As many at once as keeps one process short. */
const BATCH = 250;

/** In the order given. Each signature costs git two runs of ssh-keygen. */
export async function readSignedCommits(
  { git }: ObjectReader,
  commits: readonly string[],
): Promise<readonly SignedCommit[]> {
  const found: SignedCommit[] = [];
  for (let start = 0; start < commits.length; start += BATCH) {
    const batch = commits.slice(start, start + BATCH);
    const options = ['--no-walk=unsorted', '--stdin', '--no-show-signature', '--no-color', '--no-mailmap'];
    const output = await git(['log', ...options, `--format=tformat:${FORMAT}`], `${batch.join('\n')}\n`);
    const read = output.split('\n').filter(Boolean).map(parse);
    // Whatever git leaves out would pass for verified.
    if (read.length !== batch.length || read.some(({ commit }, index) => commit !== batch[index]))
      throw new Error('git did not answer for every commit');
    found.push(...read);
  }
  return found;
}

function parse(line: string): SignedCommit {
  const [commit = '', tree = '', parents = '', verdict = '', key = '', signer = '', author = ''] =
    line.split('\0');
  // G alone is a good signature by somebody in the file, valid at the date of the commit, for the purpose "git".
  const isGood = verdict === 'G' && key.startsWith('SHA256:') && signer !== '';
  return {
    ...{ commit, tree, parents: parents.split(' ').filter(Boolean), author, key },
    ...(isGood && { signer }),
  };
}

/** Undefined when there is none. */
export async function readSignature({ git }: ObjectReader, commit: string): Promise<string | undefined> {
  const [header = ''] = (await git(['cat-file', 'commit', commit])).split('\n\n', 1);
  const lines = header.split('\n');
  const start = lines.findIndex((line) => line.startsWith('gpgsig '));
  if (start < 0) return undefined;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !line.startsWith(' '));
  const more = (end < 0 ? rest : rest.slice(0, end)).map((line) => line.slice(1));
  return `${[lines[start]?.slice('gpgsig '.length), ...more].join('\n')}\n`;
}
