import type { Transport } from './transport.ts';

/** A server that is silent for so long has forgotten us. */
const SILENCE_MS = 30_000;

/** One collection of the API: where its objects are, and how they are asked for. */
export interface Collection {
  readonly transport: Transport;
  readonly silenceMs: number;
  /** Of one namespace, or of all. */
  pathOf(namespace?: string): string;
  pathTo(namespace: string, name: string, subresource?: 'status'): string;
}

export function collection(transport: Transport, groupPath: string, plural: string): Collection {
  const pathOf = (namespace?: string) => {
    const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    return `${groupPath}${within}/${plural}`;
  };
  return {
    ...{ transport, pathOf, silenceMs: SILENCE_MS },
    pathTo: (namespace, name, subresource) =>
      `${pathOf(namespace)}/${encodeURIComponent(name)}${subresource === undefined ? '' : `/${subresource}`}`,
  };
}
