import { bastionSchema, gitSourceSchema, guardSchema } from '../../api/crd.ts';
import { operationsOf } from './openapi-operations.ts';
import { KIND_SCHEMAS, META_SCHEMAS, NAMES, type Schema, schemaRef } from './openapi-schemas.ts';
import { groupVersionOf, type ServedResource } from './served.ts';

/** The OpenAPI v3 document of one group and version: what `kubectl explain` and client-side checks read. */
export function openApiDocument(resources: readonly ServedResource[], version: string): object {
  return {
    openapi: '3.0.0',
    info: { title: 'bastion-operator', version },
    paths: Object.fromEntries(resources.flatMap((resource) => operationsOf(resource, schemaName(resource)))),
    components: {
      schemas: { ...Object.fromEntries(resources.flatMap(schemasOf)), ...META_SCHEMAS },
    },
  };
}

/** Such as `dev.bastion-operator.v1alpha1.Bastion`: the group's labels in reverse, as Go packages are named. */
function schemaName({ group, version, kind }: ServedResource): string {
  const isCustom = !(group === '' || group.endsWith('.k8s.io'));
  if (isCustom) return [...group.split('.').reverse(), version, kind].join('.');
  return `io.k8s.api.${group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')}.${version}.${kind}`;
}

function schemasOf(resource: ServedResource): [string, Schema][] {
  const { group, version, kind, plural, verbs } = resource;
  const name = schemaName(resource);
  const one: Schema = {
    ...objectSchema(contentOf(resource)),
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  };
  if (!verbs.includes('list')) return [[name, one]];
  const properties = {
    ...TYPE_META,
    metadata: { description: 'Standard list metadata.', allOf: [schemaRef(NAMES.listMeta)] },
    items: { type: 'array', description: `The ${plural}.`, items: schemaRef(name) },
  };
  const many: Schema = {
    ...{ type: 'object', description: `A list of ${plural}.`, required: ['items'], properties },
    'x-kubernetes-group-version-kind': [{ group, version, kind: `${kind}List` }],
  };
  return [
    [name, one],
    [`${name}List`, many],
  ];
}

const TYPE_META = {
  apiVersion: { type: 'string', description: 'The group and version of this kind.' },
  kind: { type: 'string', description: 'The kind of this object.' },
};

function contentOf(resource: ServedResource): Schema {
  if (resource.plural === 'bastions') return bastionSchema() as unknown as Schema;
  if (resource.plural === 'guards') return guardSchema() as unknown as Schema;
  if (resource.plural === 'gitsources') return gitSourceSchema() as unknown as Schema;
  return KIND_SCHEMAS[`${groupVersionOf(resource)} ${resource.kind}`] ?? { type: 'object' };
}

/** The metadata of a CRD's schema says only that it is an object. */
function objectSchema(content: Schema): Schema {
  const { properties, ...rest } = content;
  const metadata = { description: "Standard object's metadata.", allOf: [schemaRef(NAMES.objectMeta)] };
  return { ...rest, properties: { ...TYPE_META, ...(properties as object), ...TYPE_META, metadata } };
}
