import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A Node process that was started with `--inspect`. */
export interface Inspected {
  /** Bytes that stay after garbage was collected, of JavaScript and of what it keeps outside of its heap. */
  readonly retained: () => Promise<number>;
  readonly close: () => void;
}

/** @param url as the process says it: `Debugger listening on ws://…` */
export async function inspect(url: string): Promise<Inspected> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  const waiting = new Map<number, (result: Record<string, unknown>) => void>();
  socket.on('message', (data) => {
    const { id, result } = JSON.parse(String(data)) as { id: number; result: Record<string, unknown> };
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let sent = 0;
  const call = (method: string, params: object = {}) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const id = ++sent;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  return {
    async retained() {
      // What a finalizer lets go is collected by the next one.
      for (let round = 0; round < 2; round++) await call('HeapProfiler.collectGarbage');
      const expression = 'process.memoryUsage().heapUsed + process.memoryUsage().external';
      const { result } = await call('Runtime.evaluate', { expression, returnByValue: true });
      return Number((result as { value: unknown }).value);
    },
    close: () => socket.close(),
  };
}
