export interface PathRule {
  /** Of a folder or a file, from the root of the repository: `teams/payments/`; empty for everything. */
  readonly prefix: string;
  /** The principals in the file of allowed signers who may change what is under it. */
  readonly signers: readonly string[];
}

/** Whether somebody may change a path: the longest prefix counts, and what is under none nobody may change. */
export function createPathRules(rules: readonly PathRule[]) {
  const folders = rules.map(({ prefix, signers }) => ({ folder: folderOf(prefix), signers }));
  return (signer: string, path: string): boolean => {
    const covering = folders.filter(({ folder }) => isWithin(path, folder));
    const longest = Math.max(...covering.map(({ folder }) => folder.length));
    return covering.some(({ folder, signers }) => folder.length === longest && signers.includes(signer));
  };
}

/** Letter by letter: `teams/payments` holds neither `teams/payments-old/a.yaml` nor `Teams/payments/a.yaml`. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

function folderOf(prefix: string): string {
  return prefix.replace(/^(\.?\/)+|\/+$/g, '');
}
