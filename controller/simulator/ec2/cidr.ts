/** IPv4 only: nothing in the simulated network has an IPv6 address. */

export function isCidr(text: string): boolean {
  const [, address = '', bits = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d{1,2})$/.exec(text) ?? [];
  return address.split('.').every((part) => part !== '' && Number(part) < 256) && Number(bits) <= 32;
}

export function hostCount(cidr: string): number {
  return 2 ** (32 - sizeOf(cidr));
}

/** The address `host` places after the network's own. */
export function addressAt(cidr: string, host: number): string {
  const number = firstOf(cidr) + host;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

export function contains(cidr: string, address: string): boolean {
  return overlaps(cidr, `${address}/32`);
}

export function overlaps(a: string, b: string): boolean {
  if (!isCidr(a) || !isCidr(b)) return false;
  return firstOf(a) < firstOf(b) + hostCount(b) && firstOf(b) < firstOf(a) + hostCount(a);
}

function sizeOf(cidr: string): number {
  return Number(cidr.split('/')[1] ?? 32);
}

function firstOf(cidr: string): number {
  const number = (cidr.split('/')[0] ?? '').split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return number - (number % hostCount(cidr));
}
