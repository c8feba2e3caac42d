import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import type { PrinterColumn, StructuralSchema } from '../machinery/structural-schema.ts';

interface CustomResourceVersion {
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
}

interface CustomResourceDefinition {
  readonly spec: { readonly versions: readonly CustomResourceVersion[] };
}

export type Plural = 'bastions' | 'guards' | 'gitsources';

const loaded = new Map<Plural, CustomResourceVersion>();

/** Read once. The path is the same from the sources and from the build. */
function crdVersion(plural: Plural): CustomResourceVersion {
  const present = loaded.get(plural);
  if (present) return present;
  const url = new URL(`../../crds/${plural}.yaml`, import.meta.url);
  const crd = load(readFileSync(url, 'utf8')) as CustomResourceDefinition;
  const version = crd.spec.versions[0];
  if (!version?.schema.openAPIV3Schema) {
    throw new Error(`${url.pathname}: spec.versions[0].schema.openAPIV3Schema is missing`);
  }
  loaded.set(plural, version);
  return version;
}

/** The schema of a whole Bastion, from the CRD. */
export function bastionSchema(): StructuralSchema {
  return crdVersion('bastions').schema.openAPIV3Schema;
}

/** The schema of a whole Guard, from the CRD. */
export function guardSchema(): StructuralSchema {
  return crdVersion('guards').schema.openAPIV3Schema;
}

/** The schema of a whole GitSource, from the CRD. */
export function gitSourceSchema(): StructuralSchema {
  return crdVersion('gitsources').schema.openAPIV3Schema;
}

/** The columns after NAME, from the CRD. */
export function printerColumns(plural: Plural): readonly PrinterColumn[] {
  return crdVersion(plural).additionalPrinterColumns ?? [];
}
