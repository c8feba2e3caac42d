import { isDeepStrictEqual } from 'node:util';
import { type Admission, admitBastion } from '../api/admission.ts';
import { API_VERSION, type Bastion, FINALIZER, GROUP, KIND } from '../api/bastion.ts';
import { bastionSchema } from '../api/crd.ts';
import type { Estate } from '../api/estate.ts';
import { checkAnnotationsSize } from '../api/metadata.ts';
import { defaultBastion, validateBastion, validateStatus } from '../api/schema.ts';
import type { JsonObject } from '../machinery/json.ts';
import { renewNow } from './renewal.ts';
import type { Strategy } from './strategy.ts';
import { witnessSuspension } from './suspension.ts';

/** @param estate what the configuration of the controller says, where that is known */
export function bastionStrategy(estate?: () => Estate): Strategy<Bastion> {
  const admit = (sent: JsonObject, stored: Bastion | undefined): Admission =>
    estate ? admitBastion(estate(), sent, stored) : { ok: true, object: sent };
  return {
    collection: 'bastions',
    apiVersion: API_VERSION,
    resource: `bastions.${GROUP}`,
    kind: `${KIND}.${GROUP}`,
    selectable: ['metadata.name', 'metadata.namespace'],
    finalizer: FINALIZER,
    countsGenerations: true,
    isTracked: true,
    schema: bastionSchema,
    checkStatus: validateStatus,
    complete: defaultBastion,
    witness: (change) => renewNow({ ...change, next: witnessSuspension(change) }),
    prepare({ status: _status, ...sent }, stored) {
      const admission = admit(sent, stored);
      if (!admission.ok) return admission;
      const validation = validateBastion(admission.object, stored);
      const spec = validation.ok ? validation.value.spec : defaultBastion(admission.object)['spec'];
      if (!validation.ok) {
        // What was accepted once and no longer validates must not stand in the way of its own teardown.
        const isOld = stored !== undefined && isDeepStrictEqual(spec, stored.spec);
        const errors = validation.errors
          .filter(({ field }) => !isOld || !/^spec\b/.test(field))
          .filter(({ field, type }) => !(wasTooLong(stored) && `${field} ${type}` === ANNOTATIONS_TOO_LONG));
        if (errors.length > 0) return { ok: false, errors };
      }
      return { ok: true, content: { apiVersion: API_VERSION, kind: KIND, spec } };
    },
  };
}

const ANNOTATIONS_TOO_LONG = 'metadata.annotations TooLong';

/** From before the limit counted bytes. How much longer they may become, the size of the whole object decides. */
function wasTooLong(stored: Bastion | undefined): boolean {
  return checkAnnotationsSize(stored?.metadata.annotations).length > 0;
}
