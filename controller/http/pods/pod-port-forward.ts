import type { Bastion } from '../../api/bastion.ts';
import { localPorts, targetsOf } from '../../api/target.ts';
import { acceptBytes, chooseUpgrade, ended } from '../wire/accept-upgrade.ts';
import { SpdyConnection } from '../wire/spdy.ts';
import { originOf, readyBastion } from './pod-bastion.ts';
import type { PodSession } from './pod-session.ts';
import { createPortForward } from './port-forward.ts';
import { createPortTunnels } from './port-tunnels.ts';

/** SPDY in both: as messages of a WebSocket, and as it is for kubectl up to 1.30. */
const PROTOCOLS = { websocket: ['SPDY/3.1+portforward.k8s.io'], spdy: ['portforward.k8s.io'] };

/** All connections of one `kubectl port-forward`, until it ends. @throws ApiError while it can still be the answer */
export async function servePortForward(pod: PodSession): Promise<void> {
  const { request, reply, context, namespace, name, closing } = pod;
  const { api, clock, tunnels } = context;
  const upgrade = chooseUpgrade(request, PROTOCOLS);
  await readyBastion(api, namespace, name);
  const bytes = acceptBytes(request, reply, upgrade);
  if (!bytes) return;
  const origin = originOf(api, namespace, name, 'kubectl port-forward');
  const gone = AbortSignal.any([upgrade.offer.gone, closing]);
  const ports = createPortTunnels({
    clock,
    request: async (port) => ({ ...behind(await api.bastions.get(namespace, name), port), origin }),
    openPort: (wanted, signal) => tunnels.openPort(wanted, signal),
  });
  const { add } = createPortForward({ pod: name, tunnels: ports, clock, gone });
  const connection = new SpdyConnection(bytes, add);
  const end = () => {
    connection.end();
    void ended(upgrade.offer, clock);
  };
  closing.addEventListener('abort', end, { once: true });
  if (closing.aborted) end();
  try {
    await connection.serve();
  } finally {
    closing.removeEventListener('abort', end);
    await ports.close();
  }
}

/** The port of a pod that stands for a target is the one that `bastionctl connect` opens on this machine. */
function behind(bastion: Bastion, port: number): { readonly host: string; readonly port: number } {
  const targets = targetsOf(bastion);
  const ports = localPorts(targets);
  const target = targets.find((one) => ports.get(one.name) === port);
  if (target) return target;
  const all = targets.map((one) => `${ports.get(one.name)} (${one.name})`).join(', ');
  const allowed = all === '' ? 'it has no targets' : `allowed: ${all}`;
  throw new Error(`bastion "${bastion.metadata.name}" has nothing behind port ${port}, ${allowed}`);
}
