import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseManifests } from '../../controller/api/manifest.ts';
import { VirtualClock } from '../clock.ts';
import { startHarness } from '../reconcile/harness.ts';

const folder = new URL('../../examples/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

/** A Monday, an hour before the weekday example opens in Tokyo. */
const BEFORE_OPENING = '2026-11-22T23:00:00Z';

describe('every example', () => {
  it('is there: the article, the minimum, two teams, NAT, databases by name and a weekday schedule', () => {
    expect(files.sort()).toEqual([
      'article.yaml',
      'minimal.yaml',
      'nat.yaml',
      'rds.yaml',
      'two-teams.yaml',
      'weekdays.yaml',
    ]);
  });

  for (const file of files) {
    it(`${file} is applied as it stands and reaches Ready`, async () => {
      const harness = startHarness({ clock: new VirtualClock(BEFORE_OPENING) });
      const documents = parseManifests(readFileSync(new URL(file, folder), 'utf8'), { source: file });
      for (const document of documents) {
        if (!document.ok) throw new Error(`${file}: ${JSON.stringify(document.errors)}`);
        await harness.api.bastions.create(document.manifest);
      }
      const phases = async () => (await harness.api.bastions.list()).items.map(({ status }) => status?.phase);
      await harness.runUntil(async () => (await phases()).every((phase) => phase === 'Ready'), 2 * 3_600_000);
      expect(await phases()).toEqual(documents.map(() => 'Ready'));
    });
  }
});
