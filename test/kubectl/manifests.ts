import { API_VERSION, type Bastion } from '../../controller/api/bastion.ts';
import type { ApiClient } from '../../controller/api/client.ts';
import { sample } from '../api/sample.ts';

/** As kubectl names them in what it prints. */
export const BASTION = 'bastion.bastion-operator.dev';
export const BASTIONS = 'bastions.bastion-operator.dev';

export function named(name: string, spec: object = {}, metadata: object = {}) {
  return sample(spec, { name, ...metadata });
}

export function labelled(name: string, labels: object) {
  return named(name, {}, { labels });
}

/** Made through the API, as if somebody else had. */
export async function make(api: ApiClient, namespace: string, manifest = named('orders')): Promise<Bastion> {
  return api.bastions.create({ ...manifest, metadata: { ...manifest.metadata, namespace } });
}

export function ready(expiresInMs: number, nowMs = Date.now()) {
  const at = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'AgentConnected',
    message: 'Ready for sessions.',
  };
  return {
    status: {
      observedGeneration: 1,
      phase: 'Ready',
      activatedAt: at(nowMs),
      expiresAt: at(nowMs + expiresInMs),
      sessionTarget: 'ecs:bastion_0123_0123-456',
      conditions: [{ ...condition, lastTransitionTime: at(nowMs) }],
    },
  };
}

export function guard(name: string, metadata: object = {}) {
  return { apiVersion: API_VERSION, kind: 'Guard', metadata: { name, ...metadata } };
}
