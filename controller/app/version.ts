import { readFileSync } from 'node:fs';

/** Of the package this runs from; the path is the same from the sources and from the build. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
