import { ANNOTATION, type Bastion, type BastionSpec } from '../../controller/api/bastion.ts';
import { TIMEOUTS } from '../../controller/aws/clients.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { LEASE_NAME } from '../../controller/reconcile/holder.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { MAX_OBJECT_BYTES } from '../../controller/store/log.ts';
import { manifestOf } from '../reconcile/harness.ts';
import type { Call, Failure } from './boundary.ts';
import { type Struggle, undo } from './drift.ts';
import { Hosting } from './hosting.ts';
import { SimulatedGit } from './repository.ts';
import { type PartialOutage, RESTART_MS, Stage } from './stage.ts';

const MINUTE = 60_000;
/** It outlives a hundred quiet passes. */
const LONG = '24h';
/** Until somebody finds what the controller made. */
const UNNOTICED_MS = 20_000;

/** A simulated history as people live in it: what they do, and what they see. */
export class World extends Stage {
  async apply(name: string, spec: Partial<BastionSpec> = {}): Promise<void> {
    const manifest = manifestOf(name, { ttl: LONG, ...spec });
    this.history.add(this.now(), 'user', `applies ${name} ${JSON.stringify(spec)}`);
    this.mayOpen(name);
    const known = this.bastions.get(`default/${name}`);
    if (!known) await this.api.bastions.create(manifest);
    else await this.api.bastions.update({ ...manifest, metadata: known.metadata });
  }

  /** Somebody who may write the table puts this in place of the status. */
  async forgeStatus(name: string, status: object | undefined): Promise<void> {
    const known = await this.forger.get<Bastion>('bastions', `default/${name}`);
    if (!known) return;
    this.history.add(this.now(), 'forger', `makes the status of ${name} ${JSON.stringify(status)}`);
    const { status: _told, ...rest } = known;
    await this.#put({ ...rest, ...(status && { status: { ...known.status, ...status } }) } as Bastion);
  }

  /** As an earlier version would have taken it: so large that not even the least of a status fits beside it. */
  async applyLarge(name: string, spec: Partial<BastionSpec>): Promise<void> {
    if (!this.bastions.has(`default/${name}`)) await this.apply(name, { ...spec, suspend: true });
    const known = await this.forger.get<Bastion>('bastions', `default/${name}`);
    if (!known) return;
    this.history.add(this.now(), 'forger', `makes ${name} large`);
    const { status: _told, ...rest } = known;
    const grown = { ...rest, spec: { ...known.spec, ...spec, suspend: false } };
    const room = MAX_OBJECT_BYTES - Buffer.byteLength(JSON.stringify(grown)) - 600;
    const metadata = { ...known.metadata, annotations: { note: 'x'.repeat(room) } };
    await this.#put({ ...grown, metadata: { ...metadata, generation: metadata.generation + 1 } });
  }

  /** Again, where a controller was quicker. */
  async #put(bastion: Bastion): Promise<void> {
    this.forged.add(bastion.metadata.name);
    await this.forger.put('bastions', bastion, bastion.metadata.resourceVersion);
  }

  async delete(name: string): Promise<void> {
    this.history.add(this.now(), 'user', `deletes ${name}`);
    this.deleted.add(name);
    await this.api.bastions.delete('default', name);
    this.closed.set(name, 'deletion');
  }

  async suspend(name: string): Promise<void> {
    this.history.add(this.now(), 'user', `suspends ${name}`);
    await this.api.bastions.patch('default', name, { spec: { suspend: true } });
    this.closed.set(name, 'suspension');
  }

  async resume(name: string): Promise<void> {
    this.history.add(this.now(), 'user', `resumes ${name}`);
    this.mayOpen(name);
    await this.api.bastions.patch('default', name, { spec: { suspend: false } });
  }

  /** Somebody wants it open: by hand, or by a change of its file. */
  mayOpen(name: string): void {
    this.closed.delete(name);
  }

  /** Nobody but its file may open it. */
  mustStaySuspended(name: string): void {
    this.closed.set(name, 'suspension');
  }

  async renew(name: string): Promise<void> {
    this.history.add(this.now(), 'user', `renews ${name}`);
    const annotations = { [ANNOTATION.renewedAt]: rfc3339(this.now()) };
    await this.api.bastions.patch('default', name, { metadata: { annotations } });
  }

  /** Every controller is killed, and for so long there is none. */
  stopAll(forMs: number): void {
    this.history.add(this.now(), 'user', `stops every controller for ${forMs / 1000} s`);
    this.trouble(forMs + 30_000);
    for (const replica of this.replicas.filter((one) => one.isAlive())) this.replace(replica, forMs);
  }

  /** Whoever leads is asked to stop; another one takes over, and a new one comes. */
  handOver(): void {
    const leader = this.replicas.find((one) => one.isLeading());
    this.history.add(this.now(), 'user', `replaces ${leader?.name ?? 'nobody: none leads'}`);
    this.trouble(RESTART_MS + 30_000);
    if (leader) this.stop(leader);
  }

  /** Every process that stands by is replaced so. */
  replaceStandbys(): void {
    const standbys = this.replicas.filter((one) => one.isAlive() && !one.isLeading());
    this.history.add(this.now(), 'user', `replaces ${standbys.map(({ name }) => name).join(', ')}`);
    for (const replica of standbys) this.stop(replica);
  }

  /** The machine of whoever leads stands still, and its clock is set meanwhile. */
  standStill(forMs: number, clockStepMs: number): void {
    const leader = this.replicas.find((one) => one.isLeading());
    this.history.add(this.now(), 'user', `stops the machine of ${leader?.name} for ${forMs / 1000} s`);
    this.trouble(forMs + 30_000);
    leader?.pause(forMs);
    leader?.stepClock(clockStepMs);
  }

  /** The clocks of those that run are set; whoever comes later has a right one. */
  stepClocks(byMs: number): void {
    this.history.add(this.now(), 'somebody', `sets the clocks by ${byMs / 1000} s`);
    for (const replica of this.replicas.filter((one) => one.isAlive())) this.step(replica, byMs);
  }

  /** The clocks of these machines are set, or of all. Processes see it at once, and those that come later too. */
  setClocks(aheadMs: number, bases = this.machines.bases()): void {
    for (const base of bases) this.machines.step(base, aheadMs - this.machines.of(base).aheadMs());
  }

  /** Lets the history go on until a controller sends such a call, and stops before it arrives. @throws Violated */
  underWay(what: string, matches: (call: Call) => boolean): Promise<void> {
    const before = new Set(this.boundary.underWay());
    const isSent = () => this.boundary.underWay().some((call) => matches(call) && !before.has(call));
    return this.until(what, isSent, 30 * MINUTE);
  }

  /** Half of all calls to AWS fail, whichever they are. */
  losePart(forMs: number, failure: Failure = 'throttled'): void {
    this.history.add(this.now(), 'aws', `${failure}: half of all calls for ${forMs / 1000} s`);
    this.partialOutage({ forMs, share: 0.5, matches: ({ target }) => target === 'aws', failure });
  }

  /** All calls of one name fail, or of one service (`iam:*`); nothing else is wrong. */
  loseCalls(name: string, forMs: number, failure: Failure): void {
    this.history.add(this.now(), 'aws', `${failure}: ${name} for ${forMs / 1000} s`);
    const isOf = (call: Call) =>
      name.endsWith('*') ? call.name.startsWith(name.slice(0, -1)) : call.name === name;
    this.partialOutage({ forMs, share: 1, matches: isOf, failure });
  }

  /** Such calls are not answered: whoever asks waits for as long as a client does. */
  hang(matches: (call: Call) => boolean, forMs: number): void {
    this.history.add(this.now(), 'aws', `does not answer some calls for ${forMs / 1000} s`);
    const isOf = (call: Call) => call.target === 'aws' && matches(call);
    this.partialOutage({
      forMs,
      share: 1,
      matches: isOf,
      failure: 'timeout',
      afterMs: TIMEOUTS.requestTimeout,
    });
  }

  /** The table gives no answer: whoever asks waits for as long as its client does. */
  hangTable(forMs: number): void {
    this.history.add(this.now(), 'table', `does not answer for ${forMs / 1000} s`);
    this.#troubleTable(forMs, { failure: 'timeout', afterMs: TIMEOUTS.requestTimeout });
  }

  /** A tenth of the calls to the table gets no answer. */
  loseSomeAnswers(forMs: number): void {
    this.history.add(this.now(), 'table', `leaves some calls without an answer for ${forMs / 1000} s`);
    const isStruck = () => this.random.chance(0.1);
    this.#troubleTable(forMs, { failure: 'timeout', afterMs: TIMEOUTS.requestTimeout }, isStruck);
  }

  /** It takes no writes, as when it is full, and says so. */
  fillTable(forMs: number): void {
    this.history.add(this.now(), 'table', `takes no writes for ${forMs / 1000} s`);
    this.#troubleTable(forMs, { failure: 'throttled' }, ({ isWrite }) => isWrite);
  }

  /** What it holds cannot be read. */
  damageTable(forMs: number): void {
    this.history.add(this.now(), 'table', `cannot be read for ${forMs / 1000} s`);
    this.#troubleTable(forMs, { failure: 'denied' }, ({ isWrite }) => !isWrite);
  }

  /** Each call takes so long. */
  slowTable(forMs: number, callMs: number): void {
    this.history.add(this.now(), 'table', `takes ${callMs / 1000} s for each call for ${forMs / 1000} s`);
    this.#troubleTable(forMs, { afterMs: callMs });
  }

  /** Trouble that is no excuse for an end that comes late. */
  #troubleTable(
    forMs: number,
    how: Pick<PartialOutage, 'failure' | 'afterMs'>,
    isStruck: (call: Call) => boolean = () => true,
  ): void {
    const matches = (call: Call) => call.target === 'table' && isStruck(call);
    this.partialOutage({ ...how, forMs, share: 1, matches });
  }

  /** Until then, nothing has to be on time. */
  excuse(forMs: number): void {
    this.trouble(forMs);
  }

  /** Whoever leads dies, and comes back so much later. */
  killLeader(backAfterMs = RESTART_MS): void {
    const leader = this.replicas.find((one) => one.isLeading());
    this.history.add(this.now(), 'user', `kills ${leader?.name ?? 'nobody: none leads'}`);
    if (leader) this.replace(leader, backAfterMs);
  }

  /** Nobody can list Bastions, while whoever leads goes on to lead. */
  loseList(forMs: number, failure: Failure): void {
    this.history.add(this.now(), 'table', `${failure}: the list of Bastions for ${forMs / 1000} s`);
    const isOf = ({ name, input }: Call) => name === 'table:query' && input.includes('"object#bastions"');
    this.partialOutage({ forMs, share: 1, matches: isOf, failure });
  }

  /** Every controller is killed, and another one takes over as soon as the lease lets it. */
  restartAll(): void {
    this.history.add(this.now(), 'user', 'restarts every controller');
    for (const replica of this.replicas.filter((one) => one.isAlive())) {
      replica.kill();
      this.restart(replica.name, 1_000);
    }
  }

  loseGit(forMs: number): void {
    this.history.add(this.now(), 'git', `cannot be reached for ${forMs / 1000} s`);
    this.outage(forMs, ({ target }) => target === 'git', 'timeout');
  }

  /** Every controller is told of one more source, of an empty repository. */
  addSource(spec: string): Hosting {
    this.history.add(this.now(), 'user', `configures ${spec}`);
    const added = new Hosting(spec, new SimulatedGit(() => this.now()));
    this.configure([...this.hostings, added]);
    return added;
  }

  /** The configuration names no source any more. */
  forgetSources(): void {
    this.history.add(this.now(), 'user', 'configures no source');
    this.configure([]);
  }

  /** What is committed is more, or no more, than anybody can read. */
  setTooMuch(isTooMuch: boolean): void {
    this.history.add(this.now(), 'git', `is ${isTooMuch ? '' : 'no longer '}more than can be read`);
    for (const hosting of this.hostings) hosting.isTooMuch = isTooMuch;
  }

  /** What is fetched can, or cannot, be read from where it was put. */
  setUnreadable(isUnreadable: boolean): void {
    this.history.add(this.now(), 'git', `can ${isUnreadable ? 'not ' : ''}be read once it is fetched`);
    for (const hosting of this.hostings) hosting.isUnreadable = isUnreadable;
  }

  /** Nobody can list sessions, and nothing else is wrong. */
  loseSessions(forMs: number): void {
    this.history.add(this.now(), 'aws', `cannot list sessions for ${forMs / 1000} s`);
    this.outage(forMs, ({ name }) => name === 'ssm:DescribeSessions', 'server-error');
  }

  /** Nobody can look databases up, and nothing else is wrong. */
  loseDatabases(forMs: number): void {
    this.history.add(this.now(), 'aws', `cannot look up databases for ${forMs / 1000} s`);
    this.outage(forMs, ({ name }) => name.startsWith('rds:'), 'denied');
  }

  /** An organization does not let anybody use EventBridge Scheduler for a while, and nothing else is wrong. */
  refuseScheduler(forMs: number): void {
    this.history.add(this.now(), 'aws', `refuses EventBridge Scheduler for ${forMs / 1000} s`);
    this.outage(forMs, ({ name }) => name.startsWith('scheduler:'), 'denied');
  }

  /** AWS itself ends the tasks that run, as when it retires their hosts. */
  retireTasks(): void {
    this.history.add(this.now(), 'aws', 'retires the tasks that run');
    this.trouble(MINUTE);
    const { ecs } = this.simulator;
    for (const { arn, lastStatus } of ecs.tasks()) if (lastStatus === 'RUNNING') ecs.retire(arn);
  }

  /** Somebody changes in AWS what is ours, past the controller. */
  tamper(what: string, change: (simulator: Simulator) => void): void {
    this.tampered();
    this.history.add(this.now(), 'somebody', what);
    change(this.simulator);
  }

  /** Somebody undoes each second what our endpoints are changed to. */
  /** Each second, of what has stood for a while: nobody undoes what no list shows yet. */
  async undo(struggle: Struggle, forMs: number, onTurn: () => void): Promise<void> {
    this.tampered();
    this.history.add(this.now(), 'somebody', `undoes each ${struggle}, for ${forMs / 1000} s`);
    const seenAt = new Map<string, number>();
    for (let turn = 0; turn * 1_000 < forMs; turn++) {
      const ours = new Map(this.ours().map((thing) => [thing.id, thing]));
      for (const id of seenAt.keys()) if (!ours.has(id)) seenAt.delete(id);
      for (const id of ours.keys()) seenAt.set(id, seenAt.get(id) ?? this.now());
      const noticed = [...ours.values()].filter(
        ({ id }) => this.now() - (seenAt.get(id) ?? 0) >= UNNOTICED_MS,
      );
      undo(this.simulator, noticed, struggle, turn);
      await this.run(1_000);
      onTurn();
    }
    this.tampered();
  }

  /** How many there were so far. */
  async leaders(): Promise<number> {
    return (await this.forger.readLease(LEASE_NAME))?.epoch ?? 0;
  }

  phase(name: string): string | undefined {
    const bastion = this.bastions.get(`default/${name}`);
    const isCurrent = bastion?.status?.observedGeneration === bastion?.metadata.generation;
    return isCurrent ? bastion?.status?.phase : undefined;
  }
}
