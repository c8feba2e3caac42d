import type { Canary } from './canary.ts';

/** Bugs in what is on record: believed from others, kept too late, or computed anew. */
export const RECORDED: readonly Canary[] = [
  {
    name: 'end-computed-anew',
    like: 'a certificate that becomes valid again when somebody sets the clock back',
    file: 'core/lifetime.ts',
    find: 'if (endedAt !== undefined) return',
    replace: 'if (endedAt !== undefined && terms.now >= endedAt) return',
    scenarios: ['ended-by-a-fast-leader'],
  },
  {
    name: 'set-back-is-not-noticed',
    like: 'a parking meter that gives an hour more when its clock is put back',
    file: 'reconcile/set-back.ts',
    find: 'if (setBackMs <= before ||',
    replace: 'if (setBackMs <= Number.MAX_VALUE ||',
    scenarios: ['falls-behind-by-half-a-life'],
  },
  {
    name: 'edit-opens-what-has-ended',
    like: 'a Job that runs again because its TTL was edited after it had finished',
    file: 'core/lifetime.ts',
    find: 'const endedAt = isRecorded ?',
    replace:
      'const endedAt = isRecorded && bastion.status?.observedGeneration === bastion.metadata.generation ?',
    scenarios: ['ttl-grows-after-the-end'],
  },
  {
    name: 'status-is-believed',
    like: 'a controller that keeps its memory where its users can write',
    file: 'reconcile/activations.ts',
    find: 'return record ? withActivation(bastion, this.#timesNow(record)) : bastion;',
    replace: 'return record ? bastion : bastion;',
    scenarios: ['its-start-is-forged', 'its-status-is-removed'],
  },
  {
    name: 'made-before-it-is-recorded',
    like: 'an access broker that opens the door first and writes the log afterwards',
    file: 'reconcile/lives.ts',
    find: 'return record ? record(inScope, lives, now) : { lives };',
    replace: 'return record ? { lives } : { lives };',
    scenarios: ['create-exec-nat'],
  },
  {
    name: 'opens-off-the-record',
    like: 'an access broker that goes on when its audit log is full',
    file: 'reconcile/activations.ts',
    find: 'known.set(objectName(bastion), asRecorded(life, record, now, error));',
    replace: 'asRecorded(life, record, now, error);',
    scenarios: ['create-exec-nat'],
    faults: ['table-unavailable'],
    calls: ['table:put'],
  },
  {
    name: 'open-and-untold',
    like: 'a controller that logs that it cannot write a status, and goes on',
    file: 'reconcile/unstored.ts',
    find: 'return closed.length === 0 ? lives : new Map([...lives, ...closed]);',
    replace: 'return closed.length === 0 ? lives : lives;',
    scenarios: ['grows-until-its-status-does-not-fit', 'leaves-no-room-for-its-status'],
  },
];
