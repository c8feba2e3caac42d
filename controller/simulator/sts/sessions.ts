import { AwsFault } from '../world.ts';

/** As STS gives for a role unless asked otherwise. */
const LIFE_MS = 3_600_000;
/** Real access keys name their account too, though not in plain digits. */
const ACCESS_KEY = /^ASIA(\d{12})N(\d+)$/;

/** The temporary credentials that simulated STS has given. */
export class RoleSessions {
  readonly #ends = new Map<string, number>();

  issue(accountId: string, now: number) {
    const accessKeyId = `ASIA${accountId}N${this.#ends.size + 1}`;
    const endsAt = now + LIFE_MS;
    this.#ends.set(accessKeyId, endsAt);
    return { accessKeyId, endsAt };
  }

  /** Whose requests these are; undefined for the account's own users. @throws AwsFault ExpiredToken */
  accountOf(accessKeyId: string | undefined, now: number): string | undefined {
    const accountId = ACCESS_KEY.exec(accessKeyId ?? '')?.[1];
    if (accountId === undefined || accessKeyId === undefined) return undefined;
    const endsAt = this.#ends.get(accessKeyId);
    if (endsAt !== undefined && now < endsAt) return accountId;
    throw new AwsFault('ExpiredToken', 'The security token included in the request is expired', 403);
  }
}
