import { ApiError } from './api-error.ts';

type Reason = ApiError['reason'];

/** Undefined when it does not exist. */
export function ifFound<T>(read: () => Promise<T>): Promise<T | undefined> {
  return unless(['NotFound'], read);
}

/** Undefined when somebody else was quicker: what they meant is found by the next look. */
export function unlessChanged<T>(write: () => Promise<T>): Promise<T | undefined> {
  return unless(['Conflict', 'NotFound', 'AlreadyExists'], write);
}

async function unless<T>(reasons: readonly Reason[], call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ApiError && reasons.includes(error.reason)) return undefined;
    throw error;
  }
}
