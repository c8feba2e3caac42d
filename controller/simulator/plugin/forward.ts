import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Forwarding {
  /** The port of this machine that is listened on. */
  readonly port: number;
  close(): void;
}

/** Carries each connection to a port of this machine on to `host:port`. `onRefused` is told of those it cannot make. */
export async function forward(
  to: { readonly host: string; readonly port: number; readonly localPort: number },
  onRefused: () => void,
): Promise<Forwarding> {
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: to.host, port: to.port, allowHalfOpen: true, noDelay: true });
    let connected = false;
    keep(near);
    keep(far);
    far.once('connect', () => {
      connected = true;
      near.pipe(far);
      far.pipe(near);
    });
    far.on('error', () => {
      if (!connected) onRefused();
      near.destroySoon();
    });
    near.on('error', () => far.destroy());
    near.once('close', () => far.destroy());
  });
  const port = await listen(server, to.localPort);
  const close = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { port, close };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
