import type { FieldError } from '../machinery/api-error.ts';
import { isRecord, type JsonObject, ownField } from '../machinery/json.ts';
import type { Bastion } from './bastion.ts';
import { type DefaultNetwork, type Estate, placeOf, unknownAccount } from './estate.ts';

export type Admission =
  | { readonly ok: true; readonly object: JsonObject }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/**
 * Judges what is sent by the configuration of the controller, before anything else does: fills in the network of its account and
 * region where it names none, and refuses a new Bastion for an account that there is not. Written into the object, the network
 * outlives any change of the configuration: nothing moves under somebody who works there.
 */
export function admitBastion(estate: Estate, sent: JsonObject, stored: Bastion | undefined): Admission {
  const account = ownField(ownField(sent, 'spec'), 'account');
  const isKnown = typeof account !== 'string' || estate.accounts.some(({ name }) => name === account);
  if (!isKnown && !stored) {
    const message = unknownAccount(estate, account);
    return { ok: false, errors: [{ field: 'spec.account', type: 'NotSupported', message }] };
  }
  const object = lacksNetwork(sent)
    ? fillNetwork(sent, stored?.spec.network ?? networkFor(estate, sent))
    : sent;
  return { ok: true, object };
}

/** Whether it leaves vpcId and subnetIds to somebody else; one of the two without the other is a mistake. */
export function lacksNetwork(sent: JsonObject): boolean {
  const network = ownField(ownField(sent, 'spec'), 'network') ?? {};
  return isRecord(network) && network['vpcId'] === undefined && network['subnetIds'] === undefined;
}

export function fillNetwork(sent: JsonObject, network: DefaultNetwork | undefined): JsonObject {
  const spec = ownField(sent, 'spec');
  if (!network || !isRecord(spec)) return sent;
  const { vpcId, subnetIds } = network;
  const own = ownField(spec, 'network');
  return { ...sent, spec: { ...spec, network: { ...(isRecord(own) ? own : {}), vpcId, subnetIds } } };
}

function networkFor(estate: Estate, sent: JsonObject): DefaultNetwork | undefined {
  const textOf = (field: string) => {
    const value = ownField(ownField(sent, 'spec'), field);
    return typeof value === 'string' ? value : undefined;
  };
  const account = textOf('account');
  const region = textOf('region');
  const place = placeOf(estate, {
    ...(account === undefined ? {} : { account }),
    ...(region === undefined ? {} : { region }),
  });
  const terms = place && estate.accounts.find(({ accountId }) => accountId === place.accountId);
  return terms?.regions?.find(({ name }) => name === place?.region)?.network;
}
