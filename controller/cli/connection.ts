import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Doctor } from '../api/finding.ts';
import type { Tunnels } from '../api/session.ts';
import type { Step } from '../core/plan.ts';

/** The global flags that say where the Bastions are; what is left out is the composition root's to decide. */
export interface ConnectionOptions {
  readonly dataDir?: string | undefined;
  readonly table?: string | undefined;
  readonly region?: string | undefined;
  readonly aws?: string | undefined;
  readonly installation?: string | undefined;
  /** The URL of a server to ask, instead of the store itself. */
  readonly server?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly certificateAuthority?: string | undefined;
  /** Of kubectl's configuration, and where that is. */
  readonly context?: string | undefined;
  readonly kubeconfig?: string | undefined;
  /** The Session Manager plugin, instead of the one that is installed. */
  readonly plugin?: string | undefined;
  /** Left out: a store that does not exist yet stays so, and looks empty. */
  readonly mayCreate?: boolean | undefined;
}

export interface Connection {
  readonly api: ApiClient;
  /**
   * What the controller would do now. With `bastions`: as if these had been applied, each in place of the stored one of the
   * same namespace and name, beside all others.
   */
  preview(bastions: readonly Bastion[] | undefined): Promise<PlanPreview>;
  /** Sessions with what runs in the Bastions, as the person who runs this process. Nothing is opened before it is asked for. */
  readonly tunnels: Tunnels;
  /** Where a Bastion's task runs. */
  regionOf(bastion: Bastion): Promise<string>;
  /** Looks with the credentials of the person who runs this process. */
  readonly doctor: Doctor;
  /** Serves this API on a loopback address. */
  serve(options: ServeOptions): Promise<Served>;
  close(): Promise<void>;
  /** Set when nobody acts on what is stored here. */
  readonly idle?: IdleStore | undefined;
}

export interface ServeOptions {
  readonly address: string;
  readonly port: number;
  readonly isReadOnly: boolean;
}

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

export interface IdleStore {
  readonly dataDir: string;
  /** Nothing was ever stored there. */
  readonly isAbsent: boolean;
}

export interface PlanPreview {
  readonly regions: readonly RegionPreview[];
}

export interface RegionPreview {
  readonly accountId: string;
  readonly region: string;
  readonly steps: readonly Step[];
  /** What could not be read; the steps are then not the whole truth. */
  readonly failures: readonly string[];
  readonly problems: readonly PreviewProblem[];
}

/** Why a Bastion cannot be served as written. */
export interface PreviewProblem {
  /** `namespace/name` */
  readonly bastion: string;
  readonly reason: string;
  readonly message: string;
}
