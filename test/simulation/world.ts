import { ANNOTATION, type BastionSpec } from '../../controller/api/bastion.ts';
import { rfc3339 } from '../../controller/api/clock.ts';
import type { Simulator } from '../../controller/aws/simulator/simulator.ts';
import { manifestOf } from '../reconcile/harness.ts';
import type { Call } from './boundary.ts';
import { RESTART_MS, Stage } from './stage.ts';

const MINUTE = 60_000;
/** It outlives a hundred quiet passes. */
const LONG = '24h';

/** A simulated history as people live in it: what they do, and what they see. */
export class World extends Stage {
  async apply(name: string, spec: Partial<BastionSpec> = {}): Promise<void> {
    const manifest = manifestOf(name, { ttl: LONG, ...spec });
    this.history.add(this.now(), 'user', `applies ${name} ${JSON.stringify(spec)}`);
    const known = this.bastions.get(`default/${name}`);
    if (!known) await this.api.bastions.create(manifest);
    else await this.api.bastions.update({ ...manifest, metadata: known.metadata });
  }

  async delete(name: string): Promise<void> {
    this.history.add(this.now(), 'user', `deletes ${name}`);
    this.deleted.add(name);
    await this.api.bastions.delete('default', name);
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
    for (const replica of this.replicas.filter((one) => one.isAlive())) {
      replica.kill();
      this.restart(replica.name, forMs);
    }
  }

  /** Whoever leads is asked to stop; another one takes over, and a new one comes. */
  handOver(): void {
    const leader = this.replicas.find((one) => one.isLeading());
    this.history.add(this.now(), 'user', `replaces ${leader?.name ?? 'nobody: none leads'}`);
    this.trouble(RESTART_MS + 30_000);
    if (leader) void leader.terminate().then(() => this.restart(leader.name));
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

  loseGit(forMs: number): void {
    this.history.add(this.now(), 'git', `cannot be reached for ${forMs / 1000} s`);
    this.outage(forMs, ({ target }) => target === 'git', 'timeout');
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

  /** Somebody changes in AWS what is ours, past the controller. */
  tamper(what: string, change: (simulator: Simulator) => void): void {
    this.tampered();
    this.history.add(this.now(), 'somebody', what);
    change(this.simulator);
  }

  phase(name: string): string | undefined {
    const bastion = this.bastions.get(`default/${name}`);
    const isCurrent = bastion?.status?.observedGeneration === bastion?.metadata.generation;
    return isCurrent ? bastion?.status?.phase : undefined;
  }
}
