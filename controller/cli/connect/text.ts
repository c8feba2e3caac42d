import type { Bastion } from '../../api/bastion.ts';
import { localPorts, targetsOf } from '../../api/target.ts';
import { asProgram } from '../failure.ts';
import type { ProgramName } from '../io.ts';
import { command } from './life.ts';

export interface ConnectLine {
  readonly label: string;
  readonly command: string;
}

/** The command of ours that connects, and for those without it those that open a shell in the Bastion and a local port to each target; none until there is something to connect to. */
export function connectLines(bastion: Bastion, program: ProgramName): ConnectLine[] {
  const { spec, status, metadata } = bastion;
  const target = status?.sessionTarget;
  if (status?.phase !== 'Ready' || target === undefined) return [];
  const region = spec.region === undefined ? '' : ` --region ${spec.region}`;
  const session = `aws ssm start-session --target ${quote(target)}${region}`;
  const targets = targetsOf(bastion);
  const localPortOf = localPorts(targets);
  const ports = targets.map(({ name, host, port }) => {
    const localPort = localPortOf.get(name) ?? port;
    const parameters = { host: [host], portNumber: [String(port)], localPortNumber: [String(localPort)] };
    return {
      label: `${name} (localhost:${localPort})`,
      command: `${session} --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters ${quote(JSON.stringify(parameters))}`,
    };
  });
  const own = `${command('connect', metadata)}${targets.length > 1 ? ' --all' : ''}`;
  return [
    { label: 'with this program', command: asProgram(own, program) },
    { label: 'shell', command: session },
    ...ports,
  ];
}

/** One word for a POSIX shell, whatever is in it. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
