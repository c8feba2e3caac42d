import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLog, type LogFormat } from '../../../controller/app/telemetry/log.ts';
import { redactText } from '../../../controller/app/telemetry/redact.ts';
import { VirtualClock } from '../../clock.ts';

const SECRET = 'hunter2/do+not=keep';

function logged(format: LogFormat, fields: Readonly<Record<string, unknown>>): string {
  let text = '';
  createLog(new VirtualClock(), format, (line) => {
    text += line;
  })('warn', 'failed', fields);
  return text;
}

describe('a secret in a log line', () => {
  it.each([
    ['a field that is one by its name', { password: SECRET }],
    ['a field below others', { request: { headers: [{ authorization: `Basic ${SECRET}` }] } }],
    ['a token of a session', { answer: { TokenValue: SECRET, SessionId: 'alice-1' } }],
    ['the code of an activation', { activationCode: SECRET }],
    [
      'credentials in a URL',
      { error: `cannot fetch https://someone:${SECRET.replace('/', '')}@git.example.com/x.git` },
    ],
    ['a token in a URL', { error: `cannot fetch https://${SECRET.replace('/', '')}@git.example.com/x.git` }],
    ['a header in a message', { error: `sent Authorization: Bearer ${SECRET} to it` }],
    ['keys in a message', { error: `AWS_SECRET_ACCESS_KEY=${SECRET} AWS_SESSION_TOKEN="${SECRET}"` }],
    ['JSON in a message', { error: `{"TokenValue":"${SECRET}","ActivationCode":"${SECRET}"}` }],
    ['a signed address', { error: `https://ssmmessages.example.com/?X-Amz-Signature=${SECRET}&a=b` }],
  ])('is not written when it is %s', (_what, fields) => {
    for (const format of ['text', 'json'] as const) {
      const text = logged(format, fields);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(SECRET.replace('/', ''));
      expect(text).toContain('***');
    }
  });

  it.each([
    'arn:aws:iam::123456789012:role/bastion-operator/default/eu-west-1/bastion-default-eu-west-1-task-exec',
    'security-group/vpc-0a1b2c3d4e5f60001/task/default/orders',
    'https://git.example.com/platform/bastions.git#main:bastions',
    'git@git.example.com:platform/bastions.git',
    '4a1f0c6e9d0b5f3e2c7a8b9d6e5f4a3b2c1d0e9f',
    'Alice <alice@example.com>',
    'public.ecr.aws/amazonlinux/amazonlinux@sha256:43ac6c60b8f89723f746e8a92ce91abd5017e627ce1ddfe4238355d3a30b772c',
    'If that is meant: bastionctl confirm source.bc800bc9d824 --token=2e1b7274',
    'the activation code could not be stored',
  ])('is not seen in %s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('is looked for in any text without harm, and only once', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const once = redactText(text);
        expect(redactText(once)).toBe(once);
      }),
    );
  });
});

it('the message of every log line is constant: what varies is in its fields', () => {
  const root = join(import.meta.dirname, '../../../controller');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const varying = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const calls = [...text.matchAll(/\blog\(\s*(?:level|'(?:info|warn|error)')\s*,\s*([^,)]+)/g)];
    return calls.flatMap(([, message = '']) => (/[`+]/.test(message) ? [`${file}: ${message}`] : []));
  });
  expect(files.length).toBeGreaterThan(100);
  expect(varying).toEqual([]);
});
