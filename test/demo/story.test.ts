import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import { clip } from '../../controller/demo/clip.ts';
import { createScreen } from '../../controller/demo/screen.ts';
import {
  isOver,
  isWhole,
  NOTHING_SEEN,
  type Scene,
  type Seen,
  watchScene,
} from '../../controller/demo/story.ts';

const SHARED = ['vpce-1', 'vpce-2'];

function bastion(name: string, phase: string, endpoints: readonly string[] = SHARED): Bastion {
  const resources = endpoints.map((id) => ({
    kind: 'vpc-endpoint',
    key: `vpc-endpoint/${id}`,
    id,
    state: 'Ready',
  }));
  return {
    apiVersion: 'bastion-operator.dev/v1alpha1',
    kind: 'Bastion',
    metadata: {
      ...{ name, namespace: 'default', uid: name, resourceVersion: '1', generation: 1 },
      creationTimestamp: '2026-11-23T09:00:00Z',
    },
    spec: {
      ttl: '5m',
      network: { vpcId: 'vpc-1', subnetIds: ['subnet-1'] },
      access: { transport: 'EcsExec' },
    },
    status: { phase, resources },
  } as unknown as Bastion;
}

const endpoints = (...ids: string[]): Scene['owned'] =>
  ids.map((id) => ({ kind: 'vpc-endpoint', key: id, id }));
const BOTH_READY: Scene = {
  bastions: [bastion('a', 'Ready'), bastion('b', 'Ready', [...SHARED, 'vpce-3'])],
  owned: endpoints(...SHARED, 'vpce-3'),
};
const ONE_LEFT: Scene = {
  bastions: [bastion('a', 'Expired', []), bastion('b', 'Ready', [...SHARED, 'vpce-3'])],
  owned: endpoints(...SHARED, 'vpce-3'),
};
const ALL_GONE: Scene = { bastions: [bastion('a', 'Expired', []), bastion('b', 'Expired', [])], owned: [] };

const watch = (...scenes: Scene[]): Seen => scenes.reduce(watchScene, NOTHING_SEEN);

describe('the demo', () => {
  it('is whole when all that it promises was seen', () => {
    const seen = watch(BOTH_READY, ONE_LEFT, ALL_GONE);
    expect(seen).toMatchObject({ sharedEndpoints: 2, endpointsStayed: true, leftover: 0, mostResources: 3 });
    expect([isOver(seen), isWhole(seen)]).toEqual([true, true]);
  });

  it('is not whole when a part of it was never seen', () => {
    expect(isWhole(watch(ONE_LEFT, ALL_GONE))).toBe(false);
    expect(isWhole(watch(BOTH_READY, ALL_GONE))).toBe(false);
    expect(isWhole(watch(BOTH_READY, ONE_LEFT))).toBe(false);
  });

  it('is not fooled by endpoints that went with the first Bastion', () => {
    const seen = watch(BOTH_READY, { ...ONE_LEFT, owned: endpoints('vpce-3') }, ALL_GONE);
    expect([seen.endpointsStayed, isWhole(seen)]).toEqual([false, false]);
  });

  it('goes on while something is left, and is not whole with it', () => {
    const left = watch(BOTH_READY, ONE_LEFT, { ...ALL_GONE, owned: endpoints('vpce-1') });
    expect([left.leftover, isOver(left), isWhole(left)]).toEqual([1, false, false]);
    const gone = watchScene(left, ALL_GONE);
    expect([isOver(gone), isWhole(gone)]).toEqual([true, true]);
  });
});

describe("the demo's screen", () => {
  it('writes a plain line whenever something changed, where there is no terminal', () => {
    const lines: string[] = [];
    const screen = createScreen({ isTTY: false, write: (text) => lines.push(text) }, 0);
    screen.show(BOTH_READY, 65_000);
    screen.show(BOTH_READY, 70_000);
    screen.show(ONE_LEFT, 125_000);
    expect(lines.map((line) => line.trim())).toEqual([
      '01:05  a        Ready        EcsExec',
      '01:05  b        Ready        EcsExec',
      '02:05  a        Expired      EcsExec',
    ]);
  });

  it('draws over its last drawing on a terminal, and not over a line that stays', () => {
    const written: string[] = [];
    const screen = createScreen({ isTTY: true, write: (text) => written.push(text) }, 0);
    screen.show(BOTH_READY, 0);
    screen.show(BOTH_READY, 1_000);
    screen.say('stays');
    screen.show(BOTH_READY, 2_000);
    const up = '\u001b[5A\u001b[0J';
    expect(written.map((text) => text.startsWith(up))).toEqual([false, true, false, false]);
    expect(written[1]).toContain('3 vpc-endpoint');
  });

  it('keeps every line of its drawing within the terminal', () => {
    const written: string[] = [];
    const terminal = { isTTY: true, columns: () => 30, write: (text: string) => written.push(text) };
    createScreen(terminal, 0).show(BOTH_READY, 0);
    const lines = written.join('').trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(stripVTControlCharacters(line).length).toBeLessThan(30);
  });

  it('cuts a coloured line by what is seen of it, and ends the colour', () => {
    const line = '  \u001b[2mname\u001b[22m phase';
    expect(clip(line, 12)).toBe(line);
    expect(clip(line, 8)).toBe('  \u001b[2mname\u001b[22m …\u001b[0m');
    expect(clip('plain text', 6)).toBe('plain…');
  });
});
