import { ANNOTATION, type Bastion } from '../../../controller/api/bastion.ts';
import { objectName } from '../../../controller/machinery/object.ts';
import type { OracleFactory } from '../oracle.ts';

const OPEN: readonly string[] = ['Pending', 'Provisioning', 'Ready', 'Degraded'];

/** An end that was told, and what people had asked for by then. */
interface End {
  readonly uid: string;
  readonly activatedAt: string;
  readonly renewedAt: string | undefined;
  readonly schedule: string;
}

/** What has ended stays so, whatever clocks say afterwards: only a renewal, a resume or a later firing opens it anew. */
export const latchedEnd: OracleFactory = ({ violate }) => {
  const ends = new Map<string, End>();
  const judge = (name: string, { spec, status, metadata }: Bastion, end: End) => {
    if (!OPEN.includes(status?.phase ?? '') || status?.observedGeneration !== metadata.generation) return;
    ends.delete(name);
    const isFiring = end.schedule !== '' && (status?.activatedAt ?? '') > end.activatedAt;
    const isAskedFor = renewalOf(metadata.annotations) !== end.renewedAt || scheduleOf(spec) !== end.schedule;
    if (!isFiring && !isAskedFor)
      violate(
        'latched-end',
        `${name} had ended, its activation of ${end.activatedAt}, and is ${status?.phase}`,
      );
  };
  return {
    name: 'latched-end',
    onBastion: (next) => {
      if (!next) return;
      const name = objectName(next);
      const { spec, status, metadata } = next;
      const known = ends.get(name);
      if (spec.suspend || (known && known.uid !== metadata.uid)) ends.delete(name);
      else if (known) judge(name, next, known);
      if (status?.endedAt === undefined || status.activatedAt === undefined) return;
      const { uid, annotations } = metadata;
      // Asked for meanwhile is what the status has not seen yet.
      if (!ends.has(name) && status.renewedAt === renewalOf(annotations)) {
        const { activatedAt, renewedAt } = status;
        ends.set(name, { uid, activatedAt, renewedAt, schedule: scheduleOf(spec) });
      }
    },
  };
};

function renewalOf(annotations: Readonly<Record<string, string>> = {}): string | undefined {
  return annotations[ANNOTATION.renewedAt];
}

function scheduleOf({ schedule }: Bastion['spec']): string {
  return schedule ? JSON.stringify(schedule) : '';
}
