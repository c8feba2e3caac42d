const known = new WeakMap<object, Buffer>();

/** An object as JSON, written once for all who are sent it: what is stored or projected is never changed in place. */
export function jsonOf(object: object): Buffer {
  const present = known.get(object);
  if (present) return present;
  const bytes = Buffer.from(JSON.stringify(object));
  known.set(object, bytes);
  return bytes;
}
