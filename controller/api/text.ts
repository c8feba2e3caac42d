/** One line, without what would move a terminal's cursor: texts come from manifests and from AWS. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}
