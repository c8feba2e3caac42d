import type { FastifyRequest } from 'fastify';
import type { Bastion } from '../../api/bastion.ts';
import { formatFieldError, validateBastion } from '../../api/schema.ts';
import { ApiError } from '../../machinery/api-error.ts';
import { type Clock, rfc3339 } from '../../machinery/clock.ts';
import { showTyped } from '../../machinery/json.ts';
import { firstOf } from '../../server/failures.ts';
import { plainValue } from '../../server/sent.ts';
import type { AddRoutes } from '../context.ts';
import { bodyBytes, MANY_OBJECTS, readBody } from './body.ts';

/** Each reads all of AWS that it knows of, with the same allowance of calls as the controller. */
const MAX_PLANS = 4;

/** What the next pass of the controller would do, with the Bastions that are sent in place of the stored ones. */
export const addPlan: AddRoutes = (app, { clock, preview }) => {
  let running = 0;
  app.post('/bastion-operator/plan', { bodyLimit: MANY_OBJECTS.bodyLimit }, async (request) => {
    const bastions = bastionsIn(request, clock);
    if (!preview) {
      const hint = 'ask the controller itself, or run bastionctl with your own AWS credentials';
      throw new ApiError('NotFound', `this server cannot look at AWS, so it cannot plan: ${hint}`);
    }
    if (running >= MAX_PLANS) {
      const message = `${MAX_PLANS} plans are being made, as many as there may be at once: try again later`;
      throw new ApiError('TooManyRequests', message);
    }
    running++;
    try {
      return await preview(bastions);
    } finally {
      running--;
    }
  });
};

/** Undefined when only the stored ones count. @throws ApiError BadRequest, Invalid */
function bastionsIn(request: FastifyRequest, clock: Clock): readonly Bastion[] | undefined {
  if (bodyBytes(request).length === 0) return undefined;
  const { bastions } = readBody(request, MANY_OBJECTS.maxNodes);
  if (bastions === undefined || bastions === null) return undefined;
  if (Array.isArray(bastions)) return bastions.map((sent, index) => bastionOf(sent, index, clock));
  throw new ApiError('BadRequest', `bastions: found ${showTyped(bastions)}, allowed: a list`);
}

/** As it would stand in the store: one that is not there yet has no identity. */
function bastionOf(sent: unknown, index: number, clock: Clock): Bastion {
  const validation = validateBastion(plainValue(sent));
  if (!validation.ok) {
    const causes = validation.errors.map((error) => ({
      ...error,
      field: error.field === '' ? `bastions[${index}]` : `bastions[${index}].${error.field}`,
    }));
    throw new ApiError(
      'Invalid',
      `the plan's Bastions are invalid: ${firstOf(causes.map(formatFieldError)).join(', ')}`,
      causes,
    );
  }
  const { value } = validation;
  const unborn = { uid: '', resourceVersion: '', generation: 1, creationTimestamp: rfc3339(clock.now()) };
  return { ...value, metadata: { namespace: 'default', ...unborn, ...value.metadata } };
}
