// A process of its own that holds a session, to see what becomes of it: `port <port>` or `terminal [command]`.
import { holdSignals } from '../../controller/tunnel/terminal-signals.ts';
import { createTunnels } from '../../controller/tunnel/tunnels.ts';
import { openBed } from './bed.ts';

const [mode, detail] = process.argv.slice(2);
const bed = await openBed();
const say = (value: object) => process.stderr.write(`${JSON.stringify(value)}\n`);

if (mode === 'port') {
  const { localPort } = await bed.openPort(Number(detail));
  say({ target: bed.target, localPort });
  await new Promise(() => undefined);
}
const tunnels = createTunnels({ ...bed, holdSignals: () => holdSignals(process) });
const giveUp = new AbortController();
process.once('SIGUSR2', () => giveUp.abort());
say({ target: bed.target });
const purpose =
  detail === undefined ? ({ kind: 'shell' } as const) : { kind: 'command' as const, command: [detail] };
const code = await tunnels.openTerminal({ origin: bed.origin, purpose }, giveUp.signal);
say({ code, terminated: bed.terminated.length });
await bed.close();
process.exit();
