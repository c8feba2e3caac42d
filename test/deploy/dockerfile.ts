interface Instruction {
  readonly name: string;
  readonly words: string;
}

/** One instruction a line, without comments. */
export function parseDockerfile(text: string): readonly Instruction[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', words: line.replace(/^\w+\s+/, '') }));
}

/** What stands behind each instruction of this name. */
export function wordsOf(instructions: readonly Instruction[], name: string): readonly string[] {
  return instructions.filter((one) => one.name === name).map(({ words }) => words);
}
