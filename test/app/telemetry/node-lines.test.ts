import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { takeLines } from '../../../controller/app/telemetry/node-lines.ts';

function createLines({ listeners = 1 } = {}) {
  const lines: string[] = [];
  const raw: unknown[] = [];
  const write = (...words: unknown[]) => raw.push(words);
  const console = { debug: write, log: write, info: write, warn: write, error: write, trace: write };
  const source = new EventEmitter();
  for (let one = 0; one < listeners; one++) source.on('warning', write);
  takeLines(console, source, (level, said) => lines.push(`${level} ${said}`));
  return { console, source, lines, raw };
}

it('takes what libraries write to the console, errors and objects too, and leaves out what is for themselves', () => {
  const { console, lines, raw } = createLines();
  console.warn('@smithy/node-http-handler:WARN - socket usage at capacity=50', { queue: 3 });
  console.error(new TypeError('no'), undefined);
  console.log('hello');
  console.debug('x');
  console.trace('x');
  expect(lines).toEqual([
    'warn @smithy/node-http-handler:WARN - socket usage at capacity=50 {"queue":3}',
    'error TypeError: no undefined',
    'info hello',
  ]);
  expect(raw).toEqual([]);
});

it('takes what Node warns of, without its stack, unless nobody is to hear it', () => {
  const warning = Object.assign(new Error('no more support'), { name: 'NodeVersionSupportWarning' });
  const { source, lines, raw } = createLines();
  source.emit('warning', warning);
  expect([lines, raw]).toEqual([['warn NodeVersionSupportWarning: no more support'], []]);
  const silent = createLines({ listeners: 0 });
  silent.source.emit('warning', warning);
  expect(silent.lines).toEqual([]);
});
