import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as models from '@kubernetes/client-node';
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { checkFlags, createProgram, type Flags } from '../../controller/app/config/controller-flags.ts';
import { DEFAULTS } from '../../controller/app/config/defaults.ts';
import { controllerRoleName, foundationOf } from '../../controller/core/foundation-objects.ts';
import { TABLE_SCHEMA } from '../../controller/store/table.ts';
import { ROOT } from '../e2e/build.ts';
import { parseDockerfile, wordsOf } from './dockerfile.ts';

const FOLDER = join(ROOT, 'deploy/kubernetes');
const NAMESPACE = 'bastion-operator';
/** In the order in which kubectl reads a folder. */
const files = readdirSync(FOLDER)
  .filter((file) => /\.(ya?ml|json)$/.test(file))
  .sort();
const objects = files.flatMap((file) =>
  loadAll(readFileSync(join(FOLDER, file), 'utf8')),
) as models.KubernetesObject[];
const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');

interface Model {
  getAttributeTypeMap(): readonly { readonly baseName: string; readonly type: string }[];
}

function modelOf(type: string): Model | undefined {
  return (models as unknown as Record<string, Model | undefined>)[type];
}

/** What Kubernetes' OpenAPI, from which these models are generated, does not know, or knows as something else. */
function faults(value: unknown, type: string, path: string): string[] {
  const [, item] = /^Array<(.*)>$/.exec(type) ?? [];
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((one, index) => faults(one, item, `${path}[${index}]`));
  }
  const [, mapped] = /^\{ \[key: string\]: (.*); \}$/.exec(type) ?? [];
  if (mapped !== undefined)
    return Object.entries(value as object).flatMap(([name, one]) => faults(one, mapped, `${path}.${name}`));
  const model = modelOf(type);
  if (!model) return isScalar(value, type) ? [] : [`${path} is no ${type}`];
  if (typeof value !== 'object' || value === null) return [`${path} is no ${type}`];
  const types = new Map(model.getAttributeTypeMap().map((one) => [one.baseName, one.type]));
  return Object.entries(value).flatMap(([name, one]) => {
    const known = types.get(name);
    return known === undefined ? [`${path}.${name} is unknown`] : faults(one, known, `${path}.${name}`);
  });
}

function isScalar(value: unknown, type: string): boolean {
  if (type === 'IntOrString') return typeof value === 'number' || typeof value === 'string';
  return typeof value === type;
}

function only<T>(kind: string): T {
  const found = objects.filter((object) => object.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as T;
}

function pod(): models.V1PodSpec {
  const { spec } = only<models.V1Deployment>('Deployment');
  if (!spec?.template.spec) throw new Error('the Deployment has no pod');
  return spec.template.spec;
}

function container(): models.V1Container {
  const [first, ...others] = pod().containers;
  if (!first || others.length > 0) throw new Error('the pod has not just one container');
  return first;
}

const dockerfile = parseDockerfile(readFileSync(join(ROOT, 'deploy/controller-image/Dockerfile'), 'utf8'));

describe('the manifests for Kubernetes', () => {
  it.each(objects.map((object) => [`${object.kind} ${object.metadata?.name}`, object] as const))(
    'are as Kubernetes knows them: %s',
    (_, object) => {
      expect(faults(object, `V1${object.kind}`, `${object.kind}`)).toEqual([]);
    },
  );

  it('would be told where Kubernetes knows them not', () => {
    const wrong = { ...objects[0], spec: { finalisers: [] }, metadata: { name: 1, labels: [] } };
    expect(faults(wrong, 'V1Namespace', 'Namespace')).toEqual([
      'Namespace.metadata.name is no string',
      'Namespace.spec.finalisers is unknown',
    ]);
  });

  it('work with kubectl apply -f of the folder: the namespace first, everything else in it', () => {
    expect(objects[0]).toMatchObject({ kind: 'Namespace', metadata: { name: NAMESPACE } });
    const places = objects.slice(1).map(({ metadata }) => metadata?.namespace);
    expect(new Set(places)).toEqual(new Set([NAMESPACE]));
    expect(objects.map(({ kind }) => kind)).not.toContain('Kustomization');
  });

  it('start two controllers that do not share a machine, and keep one through a drain', () => {
    expect(only<models.V1Deployment>('Deployment').spec?.replicas).toBe(2);
    expect(pod().topologySpreadConstraints).toMatchObject([
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' },
      { topologyKey: 'topology.kubernetes.io/zone' },
    ]);
    expect(only<models.V1PodDisruptionBudget>('PodDisruptionBudget').spec).toMatchObject({ minAvailable: 1 });
    expect(pod().terminationGracePeriodSeconds).toBeGreaterThan(20);
  });

  it('select the pods they mean', () => {
    const { spec } = only<models.V1Deployment>('Deployment');
    const labels = spec?.template.metadata?.labels;
    const selected = [
      spec?.selector,
      only<models.V1PodDisruptionBudget>('PodDisruptionBudget').spec?.selector,
      only<models.V1NetworkPolicy>('NetworkPolicy').spec?.podSelector,
      { matchLabels: only<models.V1Service>('Service').spec?.selector },
      ...(pod().topologySpreadConstraints ?? []).map(({ labelSelector }) => labelSelector),
    ].map((selector) => selector?.matchLabels);
    for (const matchLabels of selected) expect(matchLabels).toEqual(labels);
    const account = only<models.V1ServiceAccount>('ServiceAccount');
    expect(pod().serviceAccountName).toBe(account.metadata?.name);
  });

  it('run as the user of the image, without rights, and write where the image writes', () => {
    const [user = ''] = wordsOf(dockerfile, 'USER');
    const [uid, gid] = user.split(':').map(Number);
    expect(pod().securityContext).toEqual({
      ...{ runAsNonRoot: true, runAsUser: uid, runAsGroup: gid, fsGroup: gid },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container().securityContext).toEqual({
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    });
    const mounts = (container().volumeMounts ?? []).map(({ name, mountPath }) => [mountPath, name]);
    expect(mounts).toEqual([
      ['/data', 'data'],
      ['/tmp', 'tmp'],
    ]);
    expect(wordsOf(dockerfile, 'ENV').join()).toContain('BASTION_DATA_DIR=/data');
    for (const { emptyDir } of pod().volumes ?? []) expect(emptyDir).toBeDefined();
  });

  it('ask the cluster for nothing', () => {
    expect(pod().automountServiceAccountToken).toBe(false);
    expect(only<models.V1ServiceAccount>('ServiceAccount').automountServiceAccountToken).toBe(false);
    expect(objects.map(({ kind }) => kind).filter((kind) => /Role/.test(`${kind}`))).toEqual([]);
  });

  it('start the controller with flags that it has, on the table and boundary that install makes', () => {
    const program = createProgram({
      env: { AWS_REGION: 'eu-central-1' },
      defaultDataDir: '/data',
      version: '0',
    });
    program.parse([...(container().args ?? [])], { from: 'user' });
    const flags = program.opts<Flags>();
    expect(() => checkFlags(flags)).not.toThrow();
    expect(flags).toMatchObject({ aws: 'real', table: 'bastion-operator', region: 'eu-central-1' });
    const request = { table: `${flags.table}`, accountId: '{account}', region: flags.region };
    const made = foundationOf({ ...request, trust: [], documents: {}, schema: TABLE_SCHEMA });
    const boundary = made.find(({ kind }) => kind === 'policy')?.name;
    expect(flags.permissionsBoundary).toBe(`arn:aws:iam::{account}:policy/${boundary}`);
  });

  it('are trusted by the role that install makes for pods', () => {
    const request = { table: 'bastion-operator', accountId: '111122223333', region: 'eu-central-1' };
    const trust = ['pods.eks.amazonaws.com'];
    const made = foundationOf({ ...request, trust, documents: {}, schema: TABLE_SCHEMA });
    const role = made.find(({ name }) => name === controllerRoleName('bastion-operator'));
    const text = JSON.stringify(role?.properties);
    expect(text).toContain(`"aws:RequestTag/kubernetes-namespace":"${NAMESPACE}"`);
    expect(text).toContain(`"aws:RequestTag/kubernetes-service-account":"${pod().serviceAccountName}"`);
  });

  it('are asked for health, and scraped, where metrics are served, and by nobody else', () => {
    const [{ name, containerPort } = { name: '', containerPort: 0 }, ...others] = container().ports ?? [];
    expect(others).toEqual([]);
    expect(container().args).toContain(`--metrics-listen=0.0.0.0:${containerPort}`);
    expect(DEFAULTS.metricsListen).toBe(`127.0.0.1:${containerPort}`);
    const { startupProbe, livenessProbe, readinessProbe } = container();
    expect(startupProbe?.httpGet).toEqual({ path: '/healthz', port: name });
    expect(livenessProbe?.httpGet).toEqual({ path: '/healthz', port: name });
    expect(readinessProbe?.httpGet).toEqual({ path: '/readyz', port: name });
    const { metadata, spec } = only<models.V1Service>('Service');
    expect(metadata?.annotations).toEqual({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': `${containerPort}`,
      'prometheus.io/path': '/metrics',
    });
    expect(spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    expect(spec?.ports).toEqual([{ name, port: containerPort, targetPort: name }]);
    const ingress = only<models.V1NetworkPolicy>('NetworkPolicy').spec?.ingress;
    expect(ingress?.map(({ ports }) => ports)).toEqual([[{ protocol: 'TCP', port: containerPort }]]);
    expect(JSON.stringify(ingress)).toContain('"from":[{"namespaceSelector"');
  });

  it('are explained with the names they have', () => {
    for (const name of ['kubectl apply -f', 'create-pod-identity-association', container().image ?? ''])
      expect(readme).toContain(name);
    for (const [, name] of readme.matchAll(/--service-account (\S+)/g))
      expect(name).toBe(pod().serviceAccountName);
    for (const [, name] of readme.matchAll(/--namespace (\S+)/g)) expect(name).toBe(NAMESPACE);
  });
});
