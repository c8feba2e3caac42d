import { ANNOTATION, type Bastion } from '../../../controller/api/bastion.ts';
import type { OracleFactory } from '../oracle.ts';

/** What people have asked for stands until they ask for something else, and nothing goes that nobody has asked to go. */
export const nothingLost: OracleFactory = ({ isWanted, wasForged, violate }) => ({
  name: 'nothing-lost',
  onBastion: (next, before) => {
    if (!next || before?.metadata.uid !== next.metadata.uid || wasForged(next.metadata.name)) return;
    const say = (what: string) => violate('nothing-lost', `${next.metadata.name}: ${what}`);
    const isChanged = JSON.stringify(next.spec) !== JSON.stringify(before.spec);
    if (isChanged && next.metadata.generation <= before.metadata.generation)
      say(`a spec without a new generation, which is ${next.metadata.generation}`);
    if (renewedAt(next) < renewedAt(before)) say(`its renewal of ${renewedAt(before)} is lost`);
    const [wasDeleted, isDeleted] = [isMarked(before), isMarked(next)];
    if (wasDeleted && !isDeleted) say('its deletion is taken back');
    if (isDeleted && !wasDeleted && isWanted(next)) say('is deleted, and nobody has asked for that');
    if (asked(next) !== asked(before) && said(next) !== said(before))
      say('what people ask for and what the controller says were changed by one write: one of them is old');
  },
});

/** What is written by itself, and what is written as the status. */
function asked({ spec, metadata }: Bastion): string {
  return JSON.stringify([spec, metadata.annotations, metadata.deletionTimestamp]);
}

function said({ status }: Bastion): string {
  return JSON.stringify(status);
}

function renewedAt({ metadata }: Bastion): string {
  return metadata.annotations?.[ANNOTATION.renewedAt] ?? '';
}

function isMarked({ metadata }: Bastion): boolean {
  return metadata.deletionTimestamp !== undefined;
}
