import type { Bastion } from '../api/bastion.ts';
import type { Caller } from '../aws/caller.ts';
import type { RoleFact } from '../aws/roles.ts';
import type { Answer } from '../aws/simulate.ts';
import type { Facts } from '../core/facts.ts';
import type { RoleName } from '../core/key.ts';
import type { Life } from '../core/lifetime.ts';
import type { Claim, Lookup, Problem, Settings } from '../core/resource.ts';

/** What is read on its own, so that what cannot be read leaves the rest readable. */
export type Source =
  | 'vpcs'
  | 'dns'
  | 'network'
  | 'groups'
  | 'endpoints'
  | 'prefix-list'
  | 'zones'
  | 'tier'
  | 'roles'
  | 'activations'
  | 'databases'
  | 'tasks'
  | 'nodes'
  | 'caller'
  | 'caller-permissions'
  | 'controller-permissions';

/** What one principal may do. */
export interface Permission extends Answer {
  readonly resource: string;
}

/** The plugin of Session Manager on this machine. */
export type PluginState =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly found: string; readonly fix: string };

/** Everything that the checks look at, read once. */
export interface Picture {
  readonly bastion: Bastion;
  readonly isApplied: boolean;
  readonly life: Life;
  /** Its life now, or the one it would have if it were opened now. */
  readonly claim: Claim;
  readonly settings: Settings;
  readonly facts: Facts;
  /** Resources of the operator, by key. */
  readonly lookup: Lookup;
  /** What the controller itself would refuse to begin with. */
  readonly problems: readonly Problem[];
  readonly roles: ReadonlyMap<RoleName, RoleFact>;
  readonly caller: Caller | undefined;
  /** Undefined for the account's root, whom nothing holds back. */
  readonly callerMay: readonly Permission[] | undefined;
  readonly controllerRole: string | undefined;
  readonly controllerMay: readonly Permission[];
  readonly plugin: PluginState;
  readonly now: number;
  /** Why a source could not be read, by its name. */
  readonly unread: ReadonlyMap<Source, string>;
}
