/** A JSON schema as OpenAPI has it. */
export type Schema = Readonly<Record<string, unknown>>;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const TIME_NOTE = 'RFC 3339, in UTC.';

export function schemaRef(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const text = (description: string): Schema => ({ type: 'string', description });
const integer = (description: string): Schema => ({ type: 'integer', format: 'int64', description });
const flag = (description: string): Schema => ({ type: 'boolean', description });
const time = (description: string): Schema => ({
  ...{ type: 'string', format: 'date-time', description: `${description} ${TIME_NOTE}` },
});
const texts = (description: string): Schema => ({ type: 'array', items: { type: 'string' }, description });
const textMap = (description: string): Schema => ({
  ...{ type: 'object', additionalProperties: { type: 'string' }, description },
});
const struct = (description: string, properties: Schema, required: readonly string[] = []): Schema => ({
  ...{ type: 'object', description, properties },
  ...(required.length > 0 ? { required } : {}),
});
const list = (description: string, items: Schema): Schema => ({ type: 'array', description, items });

export const NAMES = {
  objectMeta: `${META}.ObjectMeta`,
  listMeta: `${META}.ListMeta`,
  status: `${META}.Status`,
  patch: `${META}.Patch`,
  deleteOptions: `${META}.DeleteOptions`,
} as const;

const MANAGED_FIELDS = struct('Which fields one manager owns.', {
  manager: text('Who wrote them.'),
  operation: text('Apply or Update.'),
  apiVersion: text('The version the fields are written in.'),
  time: time('When the manager last changed what it owns.'),
  fieldsType: text('FieldsV1.'),
  fieldsV1: { type: 'object', description: 'The fields, as a tree.' },
  subresource: text('Empty, or status.'),
});

/** What every document refers to. */
export const META_SCHEMAS: Readonly<Record<string, Schema>> = {
  [NAMES.objectMeta]: struct('What every object has.', {
    name: text('Unique within the namespace and the kind; cannot be changed.'),
    generateName: text('Begins a name that the server completes, when there is no name.'),
    namespace: text('Empty means default. Any namespace may be used, none needs to be created.'),
    labels: textMap('To be selected by.'),
    annotations: textMap('Notes of people and tools.'),
    finalizers: texts('Who has to let go before the object is removed.'),
    ownerReferences: list(
      'What this object exists for.',
      struct('One owner.', {
        apiVersion: text('Of the owner.'),
        kind: text('Of the owner.'),
        name: text('Of the owner.'),
        uid: text('Of the owner.'),
        controller: flag('Whether the owner manages this object.'),
        blockOwnerDeletion: flag('Whether the owner stays until this object is gone.'),
      }),
    ),
    uid: text('Given by the server; another for each object that ever was.'),
    resourceVersion: text('Another one after each write. Sent back, it says what is to be replaced.'),
    generation: integer('Counts the changes of what is wanted.'),
    creationTimestamp: time('Given by the server.'),
    deletionTimestamp: time('Set when deletion was asked for; the object goes with its last finalizer.'),
    deletionGracePeriodSeconds: integer('Always 0: deletion is a matter of finalizers.'),
    managedFields: list('Who owns which field, for server-side apply.', MANAGED_FIELDS),
  }),
  [NAMES.listMeta]: struct('What every list has.', {
    resourceVersion: text('The state that the list shows; a watch from it misses nothing.'),
    continue: text('Gets the next part of the list, when there is more.'),
    remainingItemCount: integer('How many more there are, where that is known.'),
  }),
  [NAMES.status]: struct('The answer where there is no object to answer with.', {
    apiVersion: text('v1.'),
    kind: text('Status.'),
    status: text('Success or Failure.'),
    message: text('For people.'),
    reason: text('For programs.'),
    details: { type: 'object', description: 'What it is about, and every cause.' },
    code: integer('The HTTP status.'),
  }),
  [NAMES.patch]: { type: 'object', description: 'A merge patch, a JSON patch or an apply configuration.' },
  [NAMES.deleteOptions]: struct('How to delete.', {
    preconditions: struct('Delete only this very state.', {
      uid: text('Of the object.'),
      resourceVersion: text('Of the object.'),
    }),
    dryRun: texts('All: do everything but the deletion.'),
    propagationPolicy: text('Taken, and of no effect: nothing here has dependents.'),
    gracePeriodSeconds: integer('Taken, and of no effect.'),
  }),
};

const REFERENCE = {
  apiVersion: text('Of the object.'),
  kind: text('Of the object.'),
  namespace: text('Of the object.'),
  name: text('Of the object.'),
  uid: text('Of the object.'),
};

const EVENT_TYPE = text('Normal or Warning.');
const EVENT_REASON = text('One CamelCase word.');

const CONTAINER_STATUS = struct('How the container is.', {
  name: text('Of the container.'),
  ready: flag('Whether sessions can be started.'),
  started: flag('Whether it runs.'),
  containerID: text('The ECS task.'),
  image: text('Empty where the controller chooses it.'),
  imageID: text('Not known.'),
  restartCount: integer('How many tasks of this activation have ended.'),
  state: struct('One of running, waiting and terminated.', {
    running: struct('It runs.', { startedAt: time('Since when.') }),
    waiting: struct('It does not run yet.', { reason: text('One word.'), message: text('For people.') }),
    terminated: struct('It has ended.', { reason: text('One word.'), message: text('For people.') }),
  }),
  lastState: { type: 'object', description: 'How the task before this one ended.' },
});

const POD = struct(
  "A Bastion's task as kubectl knows such things; read only, and made up from the Bastion.",
  {
    spec: struct('What runs.', {
      containers: list(
        'The one container.',
        struct('A container.', {
          name: text('As in the task definition.'),
          image: text('Empty where the controller chooses it.'),
          resources: { type: 'object', description: 'CPU and memory of the task.' },
        }),
      ),
    }),
    status: struct('How it is.', {
      phase: text('Pending, Running or Failed.'),
      reason: text('One word.'),
      message: text('For people.'),
      conditions: list('Ready, and why not.', { type: 'object' }),
      containerStatuses: list('Of the one container.', CONTAINER_STATUS),
      startTime: time('When the Bastion was opened.'),
    }),
  },
);

/** The content of the kinds that no CRD describes; apiVersion, kind and metadata are the same for all. */
export const KIND_SCHEMAS: Readonly<Record<string, Schema>> = {
  'v1 Event': struct(
    'What happened to one object, counted rather than repeated.',
    {
      involvedObject: struct('What it happened to.', REFERENCE),
      type: EVENT_TYPE,
      reason: EVENT_REASON,
      message: text('For people.'),
      count: integer('How often.'),
      firstTimestamp: time('The first time.'),
      lastTimestamp: time('The last time.'),
      source: struct('Who tells of it.', { component: text('A program.') }),
    },
    ['involvedObject'],
  ),
  'events.k8s.io/v1 Event': struct('The events of v1 in another shape; read only.', {
    regarding: struct('What it happened to.', REFERENCE),
    type: EVENT_TYPE,
    reason: EVENT_REASON,
    note: text('For people.'),
    reportingController: text('The program that tells of it.'),
    eventTime: time('The first time, to the microsecond.'),
    deprecatedCount: integer('How often.'),
    deprecatedFirstTimestamp: time('The first time.'),
    deprecatedLastTimestamp: time('The last time.'),
    deprecatedSource: struct('Who tells of it.', { component: text('A program.') }),
  }),
  'v1 Pod': POD,
  'v1 Namespace': struct('A namespace in which there is something. Any other may be used at once.', {
    status: struct('How it is.', { phase: text('Active.') }),
  }),
  'authentication.k8s.io/v1 SelfSubjectReview': struct('Asks who the caller is.', {
    status: struct('The answer.', {
      userInfo: struct('The caller.', { username: text('The name.'), groups: texts('The groups.') }),
    }),
  }),
  'authorization.k8s.io/v1 SelfSubjectAccessReview': struct('Asks whether the caller may do something.', {
    spec: struct('What.', {
      resourceAttributes: struct('Something with a resource.', {
        ...{ verb: text('The verb.'), group: text('The group.'), resource: text('The plural.') },
        ...{ subresource: text('Such as status.'), namespace: text('Where.'), name: text('Which.') },
      }),
      nonResourceAttributes: struct('Something with a path.', {
        ...{ verb: text('The verb.'), path: text('The path.') },
      }),
    }),
    status: struct('The answer.', { allowed: flag('Whether.'), reason: text('Why.') }),
  }),
  'authorization.k8s.io/v1 SelfSubjectRulesReview': struct('Asks what the caller may do.', {
    spec: struct('Where.', { namespace: text('It is the same in every one.') }),
    status: struct('The answer.', {
      resourceRules: list('What may be done with resources.', { type: 'object' }),
      nonResourceRules: list('What may be done with paths.', { type: 'object' }),
      incomplete: flag('Whether there is more.'),
    }),
  }),
};
