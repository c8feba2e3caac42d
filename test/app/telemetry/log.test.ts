import { describe, expect, it } from 'vitest';
import { createLog, type LogFormat } from '../../../controller/app/telemetry/log.ts';
import { visibleLine } from '../../../controller/machinery/text.ts';
import { VirtualClock } from '../../clock.ts';

function logged(format: LogFormat, ...entry: Parameters<ReturnType<typeof createLog>>): string {
  const lines: string[] = [];
  createLog(new VirtualClock('2026-11-23T09:00:00Z'), format, (line) => lines.push(line))(...entry);
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

describe('the log', () => {
  it('is one line of text per entry, with its fields quoted where they need it', () => {
    const fields = { region: 'eu-west-1', why: 'two words', count: 3, gone: undefined, owners: ['a/b'] };
    expect(logged('text', 'info', 'changed', fields)).toBe(
      '2026-11-23T09:00:00Z INFO  changed region=eu-west-1 why="two words" count=3 owners=["a/b"]\n',
    );
    expect(logged('text', 'error', 'failed', { error: 'one\ntwo="x"' })).toBe(
      '2026-11-23T09:00:00Z ERROR failed error="one\\ntwo=\\"x\\""\n',
    );
  });

  it('is one JSON object per entry', () => {
    expect(JSON.parse(logged('json', 'warn', 'failed', { error: 'one\ntwo', retryMs: 10 }))).toEqual({
      time: '2026-11-23T09:00:00Z',
      level: 'warn',
      message: 'failed',
      error: 'one\ntwo',
      retryMs: 10,
    });
  });

  it('steers no terminal, whatever its fields and their names hold', () => {
    const steering = '\u001b[31m\u009b2J\u202e\u2066\u200f\u061c\u2028\u2029\u0007\r\u007f\u0085';
    const fields = { error: `x${steering}`, [`n${steering}`]: [steering], plain: steering.slice(12, 14) };
    for (const format of ['text', 'json'] as const) {
      const line = logged(format, 'warn', `failed${steering}`, fields);
      expect(visibleLine(line.slice(0, -1))).toBe(line.slice(0, -1));
    }
    expect(JSON.parse(logged('json', 'warn', 'failed', fields))).toMatchObject(fields);
  });

  it('keeps its message, time and level whatever the fields are called', () => {
    const fields = { message: 'mine', time: 'mine', level: 'mine' };
    expect(JSON.parse(logged('json', 'warn', 'failed', fields))).toEqual({
      time: '2026-11-23T09:00:00Z',
      level: 'warn',
      message: 'failed',
    });
  });
});
