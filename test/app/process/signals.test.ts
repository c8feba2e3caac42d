import { describe, expect, it } from 'vitest';
import { listenForSignals } from '../../../controller/app/process/signals.ts';
import type { EndSignal } from '../../../controller/cli/io.ts';

function setUp() {
  const listeners = new Map<EndSignal, () => void>();
  const died: EndSignal[] = [];
  const signals = listenForSignals({
    on: (name, listener) => listeners.set(name, listener),
    die: (name) => died.push(name),
  });
  return { ...signals, died, send: (name: EndSignal) => listeners.get(name)?.() };
}

describe('the signals of a command line', () => {
  it('end it in good order at first, and at once the second time', () => {
    const { signal, send, died } = setUp();
    send('SIGINT');
    expect(signal.aborted).toBe(true);
    expect(died).toEqual([]);
    send('SIGTERM');
    expect(died).toEqual(['SIGTERM']);
  });

  it('are for whoever holds them, however many come', () => {
    const { signal, send, hold, died } = setUp();
    const held: EndSignal[] = [];
    const letGo = hold((name) => held.push(name));
    for (const name of ['SIGINT', 'SIGINT', 'SIGTERM'] as const) send(name);
    expect(held).toEqual(['SIGINT', 'SIGINT', 'SIGTERM']);
    expect({ aborted: signal.aborted, died }).toEqual({ aborted: false, died: [] });
    letGo();
    send('SIGINT');
    expect(signal.aborted).toBe(true);
  });
});
