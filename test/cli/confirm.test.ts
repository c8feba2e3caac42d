import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { confirmationOf, GUARD_NAMESPACE } from '../../controller/api/guard.ts';
import { confirmGuard, findGuard, tripGuard } from '../../controller/api/guard-record.ts';
import { settle } from '../clock.ts';
import { createCli } from './fixture.ts';

const NAME = 'source.0123456789ab';
const TRIP = {
  reason: 'SourceEmptied',
  message: 'git#main holds no manifest any more. Nothing is deleted: default/a, default/b.',
  effect: 'Deletes these Bastions, and what they hold in AWS.',
  withheld: ['default/a', 'default/b'],
} as const;

async function createTripped() {
  const cli = createCli();
  const desk = () => ({ api: cli.api, now: cli.clock.now() });
  const find = () => findGuard(cli.api, NAME);
  await tripGuard(desk(), NAME, undefined, TRIP);
  const token = (await find())?.status?.token ?? '';
  /** Plays the controller. */
  const act = async () => {
    const guard = await find();
    const confirmation = confirmationOf(guard);
    if (guard && confirmation) await confirmGuard(desk(), guard, confirmation, 'done');
    else await tripGuard(desk(), NAME, guard, TRIP);
    await settle();
  };
  const tripAgain = async (withheld: readonly string[]) =>
    tripGuard(desk(), NAME, await find(), { ...TRIP, withheld });
  return { cli, token, find, act, tripAgain };
}

const SHOWN = `${TRIP.message} If that is meant: bastionctl confirm ${NAME}
Withheld:
  default/a
  default/b
When that is confirmed:
  Deletes these Bastions, and what they hold in AWS.
`;

describe('confirm', () => {
  it('shows what would happen, asks, and waits until the controller has acted', async () => {
    const { cli, token, find, act } = await createTripped();
    const running = cli.start(`confirm ${NAME}`, { isTTY: true, answers: ['y'] });
    await settle();
    expect(running.out()).toBe(SHOWN);
    expect((await find())?.metadata.annotations).toEqual({
      [ANNOTATION.confirm]: token,
      [ANNOTATION.confirmedBy]: `${token} alice`,
    });
    await act();
    const done = await running.done;
    expect(done).toMatchObject({ code: 0, out: `${SHOWN}guard.bastion-operator.dev/${NAME} confirmed\n` });
  });

  it('confirms nothing when the person does not mean it', async () => {
    const { cli, find } = await createTripped();
    const { code, err } = await cli.run(`confirm guard/${NAME}`, { isTTY: true, answers: [''] });
    expect(code).toBe(1);
    expect(err).toContain('nothing is confirmed\n');
    expect((await find())?.metadata.annotations).toBeUndefined();
  });

  it('needs a token or --yes in a pipe, and names the token', async () => {
    const { cli, token } = await createTripped();
    const { code, err } = await cli.run(`confirm guard ${NAME}`);
    expect(code).toBe(1);
    expect(err).toContain(`hint: use --token=${token} to approve exactly these changes, or --yes`);
    for (const flag of [`--token=${token}`, '--yes']) {
      const running = cli.start(`confirm ${NAME} ${flag} --timeout=5s`);
      await cli.clock.advance(5_000);
      expect((await running.done).err).toContain('the controller has not acted on it within 5s');
    }
  });

  it('refuses an outdated token, with the current one', async () => {
    const { cli, token, tripAgain, find } = await createTripped();
    await tripAgain(['default/a']);
    const now = (await find())?.status?.token;
    const { code, err } = await cli.run(`confirm ${NAME} --token=${token}`);
    expect(code).toBe(1);
    expect(err).toBe(
      `error: the token ${token} is outdated: what guard "${NAME}" holds back now has the token ${now}\n` +
        `hint: show it again: bastionctl describe guard ${NAME}\n`,
    );
  });

  it('fails when something else is withheld by the time the controller looks', async () => {
    const { cli, token, tripAgain } = await createTripped();
    const running = cli.start(`confirm ${NAME} --yes`);
    await settle();
    await tripAgain(['default/a']);
    const { code, err } = await running.done;
    expect(code).toBe(1);
    expect(err).toContain(`The confirmation of ${token} was refused`);
  });

  it('says so when there is nothing to confirm', async () => {
    const { cli, act } = await createTripped();
    const running = cli.start(`confirm ${NAME} --yes`);
    await settle();
    await act();
    expect((await running.done).code).toBe(0);
    const again = await cli.run(`confirm ${NAME} --yes`);
    expect(again.code).toBe(1);
    expect(again.err).toContain('holds back no changes to approve');
    expect((await cli.run('confirm')).code).toBe(1);
    expect((await cli.run('confirm none --yes')).err).toContain('"none" not found');
    expect((await cli.run('confirm bastion/x')).err).toContain('one Guard must be named');
  });
});

describe('guards on the command line', () => {
  it('are listed with what tripped them and since when', async () => {
    const { cli } = await createTripped();
    await cli.clock.advance(300_000);
    const { out } = await cli.run('get guards');
    expect(out.split('\n')[0]).toMatch(/^NAME +TRIPPED +REASON +SINCE +MESSAGE$/);
    expect(out.split('\n')[1]).toMatch(
      new RegExp(`^${NAME} +True +SourceEmptied +5m +git#main holds no manifest`),
    );
    expect((await cli.run(`get guard ${NAME} -o name`)).out).toBe(`guard.bastion-operator.dev/${NAME}\n`);
    expect((await cli.run('get guards -n default')).err).toBe('No resources found in default namespace.\n');
  });

  it('are described with all that is withheld, the commands that confirm it, and what happened', async () => {
    const { cli, token } = await createTripped();
    const { out } = await cli.run(`describe guard ${NAME}`);
    expect(out).toContain('Withheld:\n  default/a\n  default/b\nWhen that is confirmed:\n');
    expect(out).toContain(`  bastionctl confirm ${NAME} --token=${token}\n`);
    expect(out).toContain(
      `  kubectl annotate guard ${NAME} -n ${GUARD_NAMESPACE} --overwrite bastion-operator.dev/confirm=${token}\n`,
    );
    expect(out).toMatch(/Warning +SourceEmptied/);
    expect((await createCli().run('describe guards')).err).toBe('No guard holds anything back.\n');
    expect((await cli.run('describe guard none')).code).toBe(1);
  });
});
