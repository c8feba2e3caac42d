import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

/*
 * Loads one module of the controller with one change in its text, for a process of its own:
 *
 *   CANARY='{"name":…,"url":…,"find":…,"replace":…}' node --import ./test/simulation/canary-loader.mjs --import tsx …
 *
 * It has to stand before tsx: the hook registered last is asked first, so that tsx asks this one for the text. The hooks run in
 * a thread of their own, which loads this file once more.
 */
let canary;

export function initialize(given) {
  canary = given;
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (url.split('?')[0] !== canary.url) return loaded;
  const parts = Buffer.from(loaded.source).toString().split(canary.find);
  if (parts.length !== 2) throw new Error(`canary ${canary.name}: found ${parts.length - 1} times in ${url}`);
  // Shows in the process itself that the changed text is what runs there.
  const sign = `\n;process.env['CANARY_LOADED'] = ${JSON.stringify(canary.name)};\n`;
  return { ...loaded, source: parts.join(canary.replace) + sign };
}

if (isMainThread) register(import.meta.url, { data: JSON.parse(process.env['CANARY'] ?? 'null') });
