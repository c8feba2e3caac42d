import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startController } from '../../../controller/app/controller.ts';
import { systemClock } from '../../../controller/app/process/clock.ts';
import { openTraces } from '../../../controller/app/telemetry/traces.ts';
import { untraced } from '../../../controller/machinery/trace.ts';
import { manifestOf } from '../../reconcile/harness.ts';

interface Span {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

/** A collector that keeps what it is sent. */
async function startCollector() {
  const spans: Span[] = [];
  const paths = new Set<string>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      paths.add(`${request.method} ${request.url}`);
      for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { spans, paths, url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

it('traces show a pass, its parts and their calls, in the place they were made in', async () => {
  const collector = await startCollector();
  const dir = await mkdtemp(join(tmpdir(), 'bastion-test-'));
  try {
    const controller = await startController({
      ...{ aws: 'simulated', region: 'ap-northeast-1', dataDir: join(dir, 'data'), git: [] },
      ...{ installation: 'default', image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest' },
      ...{ maxTtlMs: 3_600_000, shrinkLimit: 20, clock: systemClock(), newId: randomUUID },
      ...{ resyncSchedule: '* * * * *', sweepSchedule: '0 * * * *', gitSchedule: '0 * * * *' },
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` },
      log: () => {},
    });
    await controller.api.bastions.create(manifestOf('orders'));
    await expect
      .poll(async () => (await controller.api.bastions.get('default', 'orders')).status?.phase, {
        timeout: 10_000,
      })
      .toBe('Provisioning');
    await controller.stop();
    expect([...collector.paths]).toEqual(['POST /v1/traces']);
    const named = (name: string) => collector.spans.filter((span) => span.name === name);
    const pass = named('pass').find(({ spanId }) =>
      named('execute').some((span) => span.parentSpanId === spanId),
    );
    expect(pass?.attributes).toContainEqual({ key: 'account', value: { stringValue: '123456789012' } });
    const looks = named('look').filter(({ parentSpanId }) => parentSpanId !== undefined);
    expect(looks.length).toBeGreaterThan(0);
    const executes = new Set(named('execute').map(({ spanId }) => spanId));
    const made = named('aws iam:CreateRole');
    expect(made.length).toBeGreaterThan(0);
    expect(made.every(({ parentSpanId }) => executes.has(parentSpanId ?? ''))).toBe(true);
  } finally {
    collector.close();
    await rm(dir, { recursive: true, force: true });
  }
}, 30_000);

it('without an endpoint nothing is traced', async () => {
  expect((await openTraces({}, '1')).trace).toBe(untraced);
});
