import type { OracleFactory } from '../oracle.ts';

const ENTRANCES = ['target-ingress', 'task'];

/** Nothing that lets somebody in is made before its activation is on record, and nothing after its end is. */
export const onRecord: OracleFactory = ({ things, bastions, records, violate }) => {
  const seen = new Set<string>();
  const entrances = (service: string) =>
    things(service).filter(({ kind, isOurs, isLive }) => isOurs && isLive && ENTRANCES.includes(kind));
  return {
    name: 'on-record',
    aroundEffect: (call, service) => {
      for (const { id } of entrances(service)) seen.add(id);
      return () => {
        for (const { kind, id, owner = '' } of entrances(service)) {
          if (seen.has(id)) continue;
          const uid = bastions.get(owner)?.metadata.uid;
          const record = uid === undefined ? undefined : records.get(uid);
          const made = `${call.name} made ${kind} ${id} of ${owner}`;
          if (record?.['activatedAt'] === undefined)
            violate('on-record', `${made}, whose activation is not on record`);
          else if (record['endedAt'] !== undefined)
            violate('on-record', `${made}, which ended at ${record['endedAt']}`);
        }
      };
    },
  };
};
