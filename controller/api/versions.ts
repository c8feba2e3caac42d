import type { FieldError } from '../machinery/api-error.ts';
import { isRecord, type JsonObject, ownField } from '../machinery/json.ts';
import { API_VERSION, GROUP, KIND } from './bastion.ts';

/** Versions of a Bastion that are read; everything within works on the first one. */
export const VERSIONS = ['v1alpha1', 'v1beta1'] as const;
export type Version = (typeof VERSIONS)[number];

/** Where a field of the first version stands in another one. Moves lose nothing, in either direction. */
interface Move {
  readonly hub: readonly string[];
  readonly there: readonly string[];
}

const MOVES: Readonly<Record<Version, readonly Move[]>> = {
  v1alpha1: [],
  v1beta1: [
    // It never was a path of files.
    { hub: ['spec', 'network', 'path'], there: ['spec', 'network', 'route'] },
    { hub: ['spec', 'idleTimeout'], there: ['spec', 'idle', 'timeout'] },
  ],
};

/** The version that a Bastion is written in; undefined for one that nobody here knows. */
export function versionOf(object: unknown): Version | undefined {
  const found = ownField(object, 'apiVersion');
  return VERSIONS.find((version) => found === apiVersionOf(version));
}

function apiVersionOf(version: Version): string {
  return `${GROUP}/${version}`;
}

/** As everything within works on it. What is in no known version comes back as it is. */
export function toHub<T extends object>(object: T): T {
  const version = versionOf(object);
  if (version === undefined || apiVersionOf(version) === API_VERSION) return object;
  const moves = MOVES[version].map(({ hub, there }) => ({ from: there, to: hub }));
  return convert(object, moves, API_VERSION);
}

/** @param object a Bastion of the first version */
export function fromHub<T extends object>(object: T, version: Version): T {
  const moves = MOVES[version].map(({ hub, there }) => ({ from: hub, to: there }));
  return convert(object, moves, apiVersionOf(version));
}

/** Fields under the name that they have in the first version only. */
export function misplacedFields(object: unknown): readonly FieldError[] {
  const version = versionOf(object);
  if (version === undefined || ownField(object, 'kind') !== KIND) return [];
  return MOVES[version]
    .filter(({ hub }) => valueAt(object, hub) !== undefined)
    .map(({ hub, there }) => ({
      field: hub.join('.'),
      type: 'Unknown',
      message: `unknown field in ${version}, did you mean ${there.join('.')}?`,
    }));
}

interface Path {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

function convert<T extends object>(object: T, moves: readonly Path[], apiVersion: string): T {
  const moved = moves.reduce(move, { ...object } as JsonObject);
  return { ...moved, apiVersion } as T;
}

function move(object: JsonObject, { from, to }: Path): JsonObject {
  const value = valueAt(object, from);
  return value === undefined ? object : withValue(without(object, from), to, value);
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(ownField, object);
}

/** An object that held nothing else goes too. */
function without(object: JsonObject, [name = '', ...rest]: readonly string[]): JsonObject {
  const { [name]: child, ...others } = object;
  if (rest.length === 0 || !isRecord(child)) return others;
  const left = without(child, rest);
  return Object.keys(left).length === 0 ? others : { ...object, [name]: left };
}

function withValue(object: JsonObject, [name = '', ...rest]: readonly string[], value: unknown): JsonObject {
  if (rest.length === 0) return { ...object, [name]: value };
  const child = object[name];
  return { ...object, [name]: withValue(isRecord(child) ? child : {}, rest, value) };
}
