import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningController, startController } from '../../controller/app/controller.ts';
import { systemClock } from '../../controller/app/process/clock.ts';
import { ROOT } from '../e2e/build.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { createRemote, type Remote } from '../sources/remote.ts';

/** Metrics and their labels, as they are served. */
type Served = ReadonlyMap<string, ReadonlySet<string>>;

const FOLDER = join(ROOT, 'deploy/observability');
const OWN = /^(bastion|workqueue|controller_runtime|leader_election)_/;
/** Prometheus' own, and the label it puts on every series. */
const UP = 'up';
const TARGET_LABELS = ['job', 'instance'];
/** Those that are served from their first occurrence on. */
const LATE: Served = new Map([['bastion_aws_throttles_total', new Set(['service', 'operation'])]]);

let dir: string;
let remote: Remote;
let controller: RunningController;
let served: Served;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
  remote = createRemote();
  remote.commit({ 'orders.json': JSON.stringify(manifestOf('orders')) });
  controller = await startController({
    ...{
      aws: 'simulated',
      region: 'ap-northeast-1',
      dataDir: join(dir, 'data'),
      git: [`${remote.dir}#main`],
    },
    ...{ installation: 'default', image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest' },
    ...{ maxTtlMs: 3_600_000, shrinkLimit: 20, clock: systemClock(), newId: randomUUID },
    ...{ resyncSchedule: '* * * * *', sweepSchedule: '0 * * * *', gitSchedule: '* * * * * *' },
    env: { PATH: process.env['PATH'] },
    metrics: { listen: { host: '127.0.0.1', port: 0 }, isChosen: true },
    log: () => {},
  });
  const scrape = async () => (await fetch(`${controller.metricsUrl}/metrics`)).text();
  for (const name of ['bastion_source_synced{', 'bastion_scope_failing{']) {
    await vi.waitFor(async () => expect(await scrape()).toContain(name), { timeout: 20_000 });
  }
  served = new Map([...LATE, ...seriesOf(await scrape())]);
}, 60_000);
afterAll(async () => {
  await controller?.stop();
  remote.remove();
  await rm(dir, { recursive: true, force: true });
});

function seriesOf(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [, name, labels = ''] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const known = found.get(name) ?? new Set<string>();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    found.set(name, known);
  }
  return found;
}

/** What an expression names. @throws where it is no PromQL */
function namesIn(expression: string): { metrics: string[]; labels: string[] } {
  const metrics: string[] = [];
  const labels: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, from, to }) => {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expression}`);
      if (type.name === 'Identifier') metrics.push(text);
      if (type.name === 'LabelName') labels.push(text);
    },
  });
  return { metrics, labels };
}

function check(expression: string): void {
  const { metrics, labels } = namesIn(expression);
  expect(metrics.length, expression).toBeGreaterThan(0);
  const known = new Set([...TARGET_LABELS, ...metrics.flatMap((metric) => [...(served.get(metric) ?? [])])]);
  expect(
    metrics.filter((metric) => metric !== UP && !served.has(metric)),
    expression,
  ).toEqual([]);
  expect(
    labels.filter((label) => !known.has(label)),
    expression,
  ).toEqual([]);
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

describe('what is served', () => {
  it('has every metric and label that the alerts use', async () => {
    const { groups } = load(await readFile(join(FOLDER, 'alerts.yaml'), 'utf8')) as {
      groups: { rules: Rule[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(8);
    for (const { expr, annotations } of rules) {
      check(expr);
      const { labels } = namesIn(expr);
      const used = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      expect(used.filter((label) => !labels.includes(label))).toEqual([]);
    }
  });

  it('has every metric and label that the dashboard uses', async () => {
    const { panels } = JSON.parse(await readFile(join(FOLDER, 'dashboard.json'), 'utf8')) as {
      panels: { targets: { expr: string; legendFormat: string }[] }[];
    };
    const targets = panels.flatMap((panel) => panel.targets);
    expect(targets.length).toBeGreaterThan(14);
    for (const { expr, legendFormat } of targets) {
      check(expr);
      const used = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      expect(
        used.filter((label) => !namesIn(expr).labels.includes(label)),
        expr,
      ).toEqual([]);
    }
  });

  it('stands in the table of the README with its labels, each metric of ours', async () => {
    const readme = await readFile(join(FOLDER, 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\|/gm)].map(
      ([, name = '', type = '', labels = '']): [string, string[]] => [
        type === 'histogram' ? `${name}_bucket` : name,
        [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label).sort(),
      ],
    );
    const own = [...served].filter(([name]) => OWN.test(name) && !/_(sum|count)$/.test(name));
    const expected = own.map(([name, labels]): [string, string[]] => [
      name,
      [...labels].filter((label) => label !== 'le').sort(),
    ]);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(expected));
  });

  it('is not fooled by what is no PromQL, or no metric of ours', () => {
    expect(() => check('sum(')).toThrow('no PromQL');
    expect(() => check('bastion_nothing > 0')).toThrow();
    expect(() => check('sum by (nobody) (bastion_bastions)')).toThrow();
  });
});
