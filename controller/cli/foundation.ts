import type { Found, FoundationObject } from '../core/foundation.ts';
import type { ConnectionOptions } from './connection.ts';

export interface FoundationOptions extends ConnectionOptions {
  /** Whom the controller's role is for; left out: as it was made, or ECS. */
  readonly trust?: readonly string[] | undefined;
}

/** What a controller rests on in an account: its table, its roles, and the boundary of theirs. */
export interface Foundations {
  /** What it would be, without a look at any account. `account`: its number, or what stands for it. */
  draw(options: FoundationOptions, account: string): Promise<readonly FoundationObject[]>;
  open(options: FoundationOptions): Promise<Foundation>;
}

export interface Foundation {
  readonly accountId: string;
  readonly region: string;
  readonly table: string;
  look(): Promise<FoundationLook>;
  create(object: FoundationObject): Promise<void>;
  change(object: FoundationObject): Promise<void>;
  remove(object: FoundationObject): Promise<void>;
  /** What would be left without a controller. Takes as long as a lease where one may be held. */
  signsOfLife(options: LifeOptions): Promise<readonly SignOfLife[]>;
  close(): Promise<void>;
}

export interface FoundationLook {
  readonly wanted: readonly FoundationObject[];
  /** Those that were wanted once, too. */
  readonly possible: readonly FoundationObject[];
  readonly found: Found;
}

export interface LifeOptions {
  /** Accounts that the person has looked at. */
  readonly skipAccounts: readonly string[];
  readonly tell: (what: string) => void;
}

export interface SignOfLife {
  /** Such as `bastion default/orders is Ready`. */
  readonly what: string;
  /** What ends it. */
  readonly advice: string;
}
