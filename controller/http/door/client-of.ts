import type { FastifyRequest } from 'fastify';

/**
 * Whose share a connection takes: an address is one client. Everybody on this machine shares 127.0.0.1. One IPv6 customer has a
 * whole /64 to choose from.
 */
export function clientAt(address: string | undefined): string {
  if (address === undefined) return '';
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!bare.includes(':')) return bare;
  const [head = '', tail] = bare.split('%', 1)[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Whose share a request takes: the user's who has shown a token, from wherever; else that of the address. */
export function clientOf({ caller, socket }: FastifyRequest): string {
  const isKnown = caller.groups.includes('system:authenticated');
  return isKnown ? `user ${caller.name}` : clientAt(socket.remoteAddress);
}
