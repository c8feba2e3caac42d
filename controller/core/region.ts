/** Why Bastions cannot be in a region; undefined when they can. */
export function regionFault(region: string): string | undefined {
  return region.startsWith('cn-')
    ? `${region} is in China, where AWS's services have other names that the operator does not know: use a region outside`
    : undefined;
}
