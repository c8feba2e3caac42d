import type { Bastion } from '../api/bastion.ts';

/** Below this, a local port needs root. */
const FIRST_FREE_PORT = 1024;
const PORT_SHIFT = 10_000;
const MAX_PORT = 65_535;

export interface ConnectLine {
  readonly label: string;
  readonly command: string;
}

/** The commands that open a shell in the Bastion and a local port to each target; none until there is something to connect to. */
export function connectLines({ spec, status }: Bastion): ConnectLine[] {
  const target = status?.sessionTarget;
  if (status?.phase !== 'Ready' || target === undefined) return [];
  const region = spec.region === undefined ? '' : ` --region ${spec.region}`;
  const session = `aws ssm start-session --target ${quote(target)}${region}`;
  const taken = new Set<number>();
  const ports = spec.targets.map(({ name, host, port }) => {
    const localPort = freePort(port, taken);
    taken.add(localPort);
    const parameters = { host: [host], portNumber: [String(port)], localPortNumber: [String(localPort)] };
    return {
      label: `${name} (localhost:${localPort})`,
      command: `${session} --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters ${quote(JSON.stringify(parameters))}`,
    };
  });
  return [{ label: 'shell', command: session }, ...ports];
}

/** The target's own port where it can be had, so that a client's configuration needs only another host. */
function freePort(wanted: number, taken: ReadonlySet<number>): number {
  let port = wanted < FIRST_FREE_PORT ? wanted + PORT_SHIFT : wanted;
  while (taken.has(port))
    port = port + PORT_SHIFT <= MAX_PORT ? port + PORT_SHIFT : FIRST_FREE_PORT + taken.size;
  return port;
}

/** One word for a POSIX shell, whatever is in it. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
