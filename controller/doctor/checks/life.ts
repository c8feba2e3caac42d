import { condition } from '../../api/bastion.ts';
import { rfc3339 } from '../../machinery/clock.ts';
import { type Check, ok, problem, type Result, warning } from '../check.ts';
import type { Picture } from '../picture.ts';

export const LIFE_CHECKS: readonly Check[] = [
  { name: 'life', group: 'Bastion', needs: [], run: (picture) => [life(picture)] },
  { name: 'guard', group: 'Bastion', needs: [], run: (picture) => [guard(picture)] },
  { name: 'accepted', group: 'Bastion', needs: [], run: (picture) => [accepted(picture)] },
];

function life(picture: Picture): Result {
  const { bastion, life: now, isApplied } = picture;
  const { name } = bastion.metadata;
  switch (now.state) {
    case 'active':
      if (!isApplied) return ok(`opens for ${bastion.spec.ttl} once it is applied`);
      return ok(`open until ${rfc3339(now.expiresAt)}`);
    case 'scheduled':
      return warning(
        `closed until ${rfc3339(now.opensAt)}`,
        'wait, or leave spec.schedule out to open it now',
      );
    case 'suspended':
      return isApplied
        ? problem('suspended: everything is torn down', `bastionctl resume ${name}`)
        : warning('it would be suspended from the start', 'spec.suspend: false');
    case 'expired':
      return problem(`expired at ${rfc3339(now.expiredAt)}`, `bastionctl renew ${name}`);
    case 'deleted':
      return problem('being deleted', 'wait until it is gone, then apply its manifest again');
    case 'invalid':
      return problem(now.message, 'correct the manifest and apply it again');
  }
}

function guard({ bastion }: Picture): Result {
  const withheld = condition(bastion, 'Withheld');
  if (withheld?.status !== 'True') return ok('nothing is held back');
  if (withheld.reason === 'SourceNotConfigured')
    return problem(`held back: ${withheld.message}`, `bastionctl release ${bastion.metadata.name}`);
  return problem(`held back: ${withheld.message}`, 'bastionctl get guards, then bastionctl confirm NAME');
}

function accepted({ bastion, isApplied }: Picture): Result {
  const { status, metadata } = bastion;
  const verdict = condition(bastion, 'Accepted');
  if (verdict?.status === 'False') {
    return problem(verdict.message || verdict.reason, 'correct the manifest and apply it again');
  }
  if (!isApplied) return ok('the manifest is valid');
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  if (isSeen) return ok('the controller has seen the newest manifest');
  return warning(
    'the controller has not seen the newest manifest yet',
    'wait a moment, or start the controller',
  );
}
