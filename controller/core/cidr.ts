/** IPv4 only: security-group reasoning in this project never needs more. */
interface Range {
  readonly base: number;
  readonly bits: number;
}

function parse(cidr: string): Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(cidr);
  if (!match) return undefined;
  const octets = match.slice(1, 5).map(Number);
  const bits = match[5] === undefined ? 32 : Number(match[5]);
  if (bits > 32 || octets.some((octet) => octet > 255)) return undefined;
  return { base: octets.reduce((value, octet) => value * 256 + octet, 0), bits };
}

/** True when every address of `inner` is in `outer`; false for anything that is not an IPv4 CIDR or address. */
export function contains(outer: string, inner: string): boolean {
  const a = parse(outer);
  const b = parse(inner);
  if (!a || !b || a.bits > b.bits) return false;
  const size = 2 ** (32 - a.bits);
  return Math.floor(a.base / size) === Math.floor(b.base / size);
}

export function isAddress(text: string): boolean {
  return !text.includes('/') && parse(text) !== undefined;
}
