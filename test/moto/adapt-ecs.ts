import { createHash } from 'node:crypto';
import type { Clock } from '../../controller/machinery/clock.ts';
import { encodeFault, type WireResponse } from '../../controller/simulator/wire/encode.ts';
import { AwsFault } from '../../controller/simulator/world.ts';
import type { Adapter } from './router.ts';

type Fields = Record<string, unknown>;

/** What moto forgets of a task. */
interface Ran {
  readonly exec: boolean;
  readonly createdAt: number;
  readonly runtimeId: string;
  readonly groupIds: readonly unknown[];
  stoppedAt?: number;
}

/** What runs in the containers. */
export interface Agents {
  started(task: { readonly arn: string; readonly definition: string }): Promise<void>;
  stopped(arn: string): void;
}

function structs(value: unknown): Fields[] {
  return Array.isArray(value) ? value : [];
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The reply with its JSON changed. Errors pass. */
function edit(response: WireResponse, change: (reply: Fields) => Fields): WireResponse {
  if (response.status >= 300) return response;
  return { ...response, body: JSON.stringify(change(JSON.parse(response.body))) };
}

/** Fargate sizes the task, moto wants a size for each container. */
export const sizeContainers: Adapter = (call, ask) => {
  const memory = Number(call.input['memory']);
  const containers = structs(call.input['containerDefinitions']);
  const containerDefinitions = containers.map((container) => ({ memory, ...container }));
  return ask(JSON.stringify({ ...call.input, containerDefinitions }));
};

/** The same token gets the same answer, unless that was an error. */
export function rememberTokens(parameter: string): Adapter {
  const answers = new Map<string, Promise<WireResponse>>();
  return async (call, ask) => {
    const token = String(call.input[parameter] ?? '');
    if (token === '') return ask();
    const answer = answers.get(token) ?? ask();
    answers.set(token, answer);
    const said = await answer;
    if (said.status >= 300) answers.delete(token);
    return said;
  };
}

/** What happens in and to tasks after RunTask, as far as moto does not know. */
export class TaskLife {
  readonly #ran = new Map<string, Ran>();
  readonly #clock: Clock;
  readonly #agents: Agents;

  constructor(clock: Clock, agents: Agents) {
    this.#clock = clock;
    this.#agents = agents;
  }

  readonly run: Adapter = async (call, ask) => {
    const said = await ask();
    if (said.status >= 300) return said;
    const network = fields(fields(call.input['networkConfiguration'])['awsvpcConfiguration']);
    for (const task of structs(fields(JSON.parse(said.body))['tasks'])) {
      const arn = String(task['taskArn']);
      this.#ran.set(arn, {
        exec: call.input['enableExecuteCommand'] === true,
        createdAt: this.#seconds(),
        runtimeId: `${createHash('md5').update(arn).digest('hex')}-0265927825`,
        groupIds: Array.isArray(network['securityGroups']) ? network['securityGroups'] : [],
      });
      await this.#agents.started({ arn, definition: String(task['taskDefinitionArn']) });
    }
    return edit(said, (reply) => this.#completeAll(reply));
  };

  readonly describe: Adapter = async (_call, ask) => edit(await ask(), (reply) => this.#completeAll(reply));

  readonly stop: Adapter = async (_call, ask) =>
    edit(await ask(), (reply) => {
      const task = fields(reply['task']);
      const arn = String(task['taskArn']);
      const ran = this.#ran.get(arn);
      if (ran) ran.stoppedAt ??= this.#seconds();
      this.#agents.stopped(arn);
      return { ...reply, task: this.#complete(task) };
    });

  readonly keepBusyClusters: Adapter = async (call, ask) => {
    const name = String(call.input['cluster']).split('/').at(-1);
    const busy = [...this.#ran].some(
      ([arn, ran]) => ran.stoppedAt === undefined && arn.includes(`:task/${name}/`),
    );
    if (!busy) return ask();
    const message = 'The Cluster cannot be deleted while Tasks are active.';
    return encodeFault(
      call,
      new AwsFault('ClusterContainsTasksException', message),
      'refused-by-the-adapter',
    );
  };

  /** Whether a task that runs was started with this security group. */
  wears(groupId: string): boolean {
    return [...this.#ran.values()].some(
      (ran) => ran.stoppedAt === undefined && ran.groupIds.includes(groupId),
    );
  }

  #seconds(): number {
    return this.#clock.now() / 1000;
  }

  #completeAll(reply: Fields): Fields {
    return { ...reply, tasks: structs(reply['tasks']).map((task) => this.#complete(task)) };
  }

  #complete(task: Fields): Fields {
    const ran = this.#ran.get(String(task['taskArn']));
    if (!ran) return task;
    const { exec: enableExecuteCommand, createdAt, stoppedAt, runtimeId } = ran;
    const lastStatus = task['lastStatus'];
    const agent = {
      name: 'ExecuteCommandAgent',
      lastStatus: lastStatus === 'RUNNING' ? 'RUNNING' : 'STOPPED',
    };
    const containers = structs(task['containers']).map(({ exitCode: _, ...container }) => ({
      ...{ ...container, lastStatus, runtimeId },
      ...(stoppedAt === undefined ? {} : { exitCode: 143 }),
      ...(enableExecuteCommand ? { managedAgents: [agent] } : {}),
    }));
    const end =
      stoppedAt === undefined
        ? {}
        : { stoppingAt: stoppedAt, stoppedAt, stopCode: 'UserInitiated', tags: [] };
    return { ...task, enableExecuteCommand, createdAt, startedAt: createdAt, containers, ...end };
  }
}
