import { ANNOTATION, type Bastion, type BastionSpec } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createGitSource, type GitSource as Source, type SyncReport } from '../../controller/sources/git.ts';
import type { GitSource } from '../../controller/sources/source-record.ts';
import type { Store } from '../../controller/store/store.ts';
import { sample } from '../api/sample.ts';
import { VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { createRemote, GIT_ENV, type Remote } from './remote.ts';

export const NOW = '2026-11-23T09:00:00Z';

export function manifest(name: string, spec: Partial<BastionSpec> = {}): string {
  return JSON.stringify(sample(spec, { name }));
}

/** A store, an API over it and a real repository. */
export class SourceWorld {
  readonly clock = new VirtualClock(NOW);
  readonly store: Store = createMemorySubject(this.clock).open();
  readonly remote: Remote = createRemote();
  readonly api: ApiClient;
  readonly #sourceApi: ApiClient;
  readonly #sources = new Map<string, Source>();

  constructor() {
    let uids = 0;
    const facade = { store: this.store, clock: this.clock, newUid: () => `uid-${uids++}` };
    this.api = createFacade(facade);
    this.#sourceApi = createFacade({ ...facade, isSource: true });
  }

  source(suffix = '#main'): string {
    return `${this.remote.dir}${suffix}`;
  }

  sync(suffix = '#main'): Promise<SyncReport> {
    const { store, clock, remote } = this;
    const options = { store, api: this.#sourceApi, clock, cacheDir: remote.cacheDir, env: GIT_ENV };
    const source = this.#sources.get(suffix) ?? createGitSource({ ...options, spec: this.source(suffix) });
    this.#sources.set(suffix, source);
    return source.sync();
  }

  /** The controller forgets all that it does not store. */
  restart(): void {
    this.#sources.clear();
  }

  /** The newest commit is in force, and so are those before it, one after the other. */
  async commit(files: Readonly<Record<string, string | undefined>>, date?: string): Promise<SyncReport> {
    this.remote.commit(files, date);
    return this.sync();
  }

  get(name: string): Promise<Bastion> {
    return this.api.bastions.get('default', name);
  }

  async note(name: string, annotation: keyof typeof ANNOTATION): Promise<string | undefined> {
    return (await this.get(name)).metadata.annotations?.[ANNOTATION[annotation]];
  }

  async names(): Promise<readonly string[]> {
    const { items } = await this.api.bastions.list();
    return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
  }

  /** Until nothing is left of it, as after a teardown. */
  async remove(name: string): Promise<void> {
    await this.api.bastions.delete('default', name);
    await this.finish(name);
  }

  async finish(name: string): Promise<void> {
    await this.api.bastions.patch('default', name, { metadata: { finalizers: [] } });
  }

  async record(): Promise<GitSource | undefined> {
    return (await this.store.list<GitSource>('sources')).items[0];
  }
}
