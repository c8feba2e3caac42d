import type { Doctor, ExaminationRequest } from '../api/finding.ts';
import type { Aws } from '../aws/aws.ts';
import { type Caller, principalOf } from '../aws/caller.ts';
import { type RoleFact, readRole } from '../aws/roles.ts';
import { type Question, simulatePolicy } from '../aws/simulate.ts';
import { nameFor, ROLE_NAMES, type RoleName } from '../core/key.ts';
import { lifetime } from '../core/lifetime.ts';
import type { Settings } from '../core/resource.ts';
import { claimOf } from '../core/targets.ts';
import { KINDS } from '../kinds/index.ts';
import type { Clock } from '../machinery/clock.ts';
import { runChecks } from './check.ts';
import { CHECKS } from './checks/index.ts';
import { questionsOfController } from './controller-permissions.ts';
import { lookAtNetwork, lookAtResources, Notes } from './look.ts';
import { questionsOfCaller } from './permissions.ts';
import type { Permission, Picture, PluginState } from './picture.ts';

export interface DoctorOptions {
  /** Called once for each examination. @throws when there are no usable credentials */
  readonly connect: (region: string) => Promise<Aws>;
  /** @throws when there are no usable credentials */
  readonly readCaller: (region: string) => Promise<Caller>;
  readonly findPlugin: () => Promise<PluginState>;
  readonly settings: () => Promise<Settings>;
  /** Of Bastions that name none. */
  readonly defaultRegion: () => Promise<string>;
  readonly clock: Clock;
}

export function createDoctor(options: DoctorOptions): Doctor {
  return {
    async examine(request, onProgress) {
      const region = request.bastion.spec.region ?? (await options.defaultRegion());
      const picture = await takePicture(region, request, options, onProgress);
      return { region, findings: runChecks(CHECKS, picture) };
    },
  };
}

async function takePicture(
  region: string,
  request: ExaminationRequest,
  options: DoctorOptions,
  onProgress: (what: string) => void,
): Promise<Picture> {
  const { bastion, isApplied, controllerRole } = request;
  const { clock } = options;
  const notes = new Notes(onProgress);
  const settings = await options.settings();
  const [aws, plugin] = await Promise.all([options.connect(region), options.findPlugin()]);
  const caller = notes.read('caller', 'who you are', () => options.readCaller(region), undefined);
  const [facts, lookup, roles, whoAsks, callerMay, controllerMay] = await Promise.all([
    lookAtNetwork(aws, bastion, notes),
    lookAtResources(aws, bastion, clock, notes),
    lookAtRoles(aws, notes),
    caller,
    caller.then((who) => askAboutCaller(aws, request, who, notes)),
    askAboutController(aws, controllerRole, settings, notes),
  ]);
  const now = clock.now();
  const life = lifetime(bastion, now, settings.maxTtlMs);
  const open = life.state === 'active' ? life : { activatedAt: now, expiresAt: now };
  const claim = claimOf(bastion, facts, open);
  const problems = KINDS.flatMap((kind) => kind.preflight?.(claim, facts, settings) ?? []);
  return {
    ...{ bastion, isApplied, life, claim, settings, facts, lookup, problems, roles, plugin, now },
    ...{ caller: whoAsks, callerMay, controllerRole, controllerMay, unread: notes.unread },
  };
}

async function lookAtRoles(aws: Aws, notes: Notes): Promise<ReadonlyMap<RoleName, RoleFact>> {
  const { installation, region } = aws.scope;
  const reading = async () => {
    const found = await Promise.all(
      ROLE_NAMES.map(async (role): Promise<[RoleName, RoleFact][]> => {
        const fact = await readRole(aws, nameFor.role(installation, region, role));
        return fact ? [[role, fact]] : [];
      }),
    );
    return new Map(found.flat());
  };
  return notes.read('roles', 'roles', reading, new Map());
}

function askAboutCaller(
  aws: Aws,
  { bastion }: ExaminationRequest,
  caller: Caller | undefined,
  notes: Notes,
): Promise<readonly Permission[] | undefined> {
  const asking = async () => {
    const principal = caller && (await principalOf(aws, caller));
    return caller && principal
      ? ask(aws, principal, questionsOfCaller(bastion, aws.scope, caller))
      : undefined;
  };
  return notes.read('caller-permissions', 'your permissions', asking, []);
}

async function askAboutController(
  aws: Aws,
  role: string | undefined,
  settings: Settings,
  notes: Notes,
): Promise<readonly Permission[]> {
  if (role === undefined) return [];
  const asking = () => ask(aws, role, questionsOfController(aws.scope, settings));
  return notes.read('controller-permissions', "the controller's permissions", asking, []);
}

async function ask(aws: Aws, principal: string, questions: readonly Question[]): Promise<Permission[]> {
  const answers: Permission[] = [];
  for (const question of questions) {
    const given = await simulatePolicy(aws, principal, question);
    answers.push(...given.map((answer) => ({ ...answer, resource: question.resource })));
  }
  return answers;
}
