import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { canonical } from '../core/desired.ts';
import { ApiError } from '../machinery/api-error.ts';
import { type Clock, sleep } from '../machinery/clock.ts';
import { objectName } from '../machinery/object.ts';

export interface InformerOptions {
  readonly api: ApiClient;
  readonly clock: Clock;
  /**
   * A Bastion is new, gone, or asks for something else than `before`; not called for what the controller itself writes.
   */
  readonly onChange: (bastion: Bastion, before?: Bastion) => void;
  readonly onError: (error: unknown) => void;
  /** The store has answered. */
  readonly onRead?: () => void;
}

const RETRY_MS = 2_000;

/** Keeps the last known Bastions by list and watch. What acts on them lists again: this only says when, and what to read. */
export class Informer {
  readonly #options: InformerOptions;
  readonly #known = new Map<string, { bastion: Bastion; signature: string }>();

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  bastions(): Bastion[] {
    return [...this.#known.values()].map(({ bastion }) => bastion);
  }

  /** Runs until the signal aborts; a lost watch or a lost history lists anew. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.#options;
    while (!signal.aborted) {
      const startedAt = clock.now();
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError && error.reason === 'Expired')) onError(error);
      }
      // After a long watch the new list comes at once; a watch that ends as soon as it begins must not spin.
      await sleep(clock, Math.max(0, startedAt + RETRY_MS - clock.now()), signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { api, onRead } = this.#options;
    const { items, resourceVersion } = await api.bastions.list();
    onRead?.();
    this.#replace(items);
    for await (const { type, object } of api.bastions.watch({ from: resourceVersion }, signal)) {
      if (type === 'DELETED') this.#remove(object);
      else this.#put(object);
    }
  }

  #replace(items: readonly Bastion[]): void {
    const present = new Set(items.map((bastion) => objectName(bastion)));
    for (const { bastion } of [...this.#known.values()])
      if (!present.has(objectName(bastion))) this.#remove(bastion);
    for (const bastion of items) this.#put(bastion);
  }

  #put(bastion: Bastion): void {
    const name = objectName(bastion);
    const signature = signatureOf(bastion);
    const before = this.#known.get(name);
    this.#known.set(name, { bastion, signature });
    if (before?.signature !== signature) this.#options.onChange(bastion, before?.bastion);
  }

  #remove(bastion: Bastion): void {
    if (this.#known.delete(objectName(bastion))) this.#options.onChange(bastion);
  }
}

/** What a person or a source says about it; the controller's own status is no news to the controller. */
function signatureOf({ metadata }: Bastion): string {
  const { uid, generation, annotations, deletionTimestamp } = metadata;
  return canonical([uid, generation, annotations, deletionTimestamp]);
}
