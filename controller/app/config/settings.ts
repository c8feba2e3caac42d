import type { Settings } from '../../core/resource.ts';

/** Field by field: whoever holds the settings holds more than others may read. */
export function settingsOf({ installation, image, maxTtlMs, permissionsBoundary }: Settings): Settings {
  const boundary = permissionsBoundary === undefined ? {} : { permissionsBoundary };
  return { installation, image, maxTtlMs, ...boundary };
}
