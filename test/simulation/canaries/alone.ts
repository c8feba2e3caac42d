import type { Canary } from './canary.ts';

/** Bugs in ending things with nobody alive: they show only when it is too late. */
export const ALONE: readonly Canary[] = [
  {
    name: 'schedule-not-made',
    like: 'a dead-man switch that is reported as armed and never was',
    file: 'kinds/stop-schedule.ts',
    find: 'if (!content) return undefined;',
    replace: 'if (content) return undefined;',
    scenarios: ['nobody-alive-at-the-end'],
  },
  {
    name: 'schedule-at-a-wrong-time',
    like: 'a timer in milliseconds where seconds were meant, or the other way round',
    file: 'kinds/stop-schedule.ts',
    find: 'claim.expiresAt + AFTER_END_MS',
    replace: 'claim.expiresAt + AFTER_END_MS * 60',
    scenarios: ['nobody-alive-at-the-end'],
  },
  {
    name: 'schedule-not-moved',
    like: 'a keep-alive that moves the deadline in one place of two',
    file: 'kinds/stop-schedule.ts',
    find: 'if (content.ScheduleExpression !== spec.expression)',
    replace: `if (content.ScheduleExpression !== spec.expression) return SAME;
    if (spec.expression === '')`,
    scenarios: ['nobody-alive-after-a-renewal'],
  },
  {
    name: 'schedule-for-the-first-task',
    like: 'a clean-up job that names the machine which was replaced since',
    file: 'kinds/stop-schedule.ts',
    find: 'new UpdateScheduleCommand({ Name: name, GroupName, ...content })',
    replace: `new UpdateScheduleCommand({ Name: name, GroupName, ...content, Target: present.detail.content.Target })`,
    scenarios: ['nobody-alive-after-another-task'],
  },
  {
    name: 'schedule-waits-for-the-agent',
    like: 'a dead-man switch that is armed only once everything is well',
    file: 'reconcile/progress.ts',
    find: "resource?.state === 'ready' || resource?.state === 'pending'",
    replace: "resource?.state === 'ready'",
    scenarios: ['nobody-alive-while-it-starts'],
  },
  {
    name: 'schedule-without-rights',
    like: 'a scheduled job whose role was never tried out',
    file: 'kinds/role-content.ts',
    find: "allow(['ecs:StopTask']",
    replace: "allow(['ecs:StopTasks']",
    scenarios: ['nobody-alive-at-the-end'],
  },
  {
    name: 'schedule-is-left',
    like: 'a controller that leaves its timers behind, until the account is full of them',
    file: 'kinds/stop-schedule.ts',
    find: 'await unlessGone(() => aws.scheduler.send(new DeleteScheduleCommand({ Name: name, GroupName })));',
    replace: 'await unlessGone(async () => new DeleteScheduleCommand({ Name: name, GroupName }) && aws);',
    scenarios: ['create-exec-nat'],
  },
  {
    name: 'refused-scheduler-holds-up-the-end',
    like: 'a finalizer that waits for an API which an organization has switched off',
    file: 'reconcile/observe.ts',
    find: '!kind.safeguard || (isSilent && now - since < SILENT_MS)',
    replace: '!kind.safeguard || !isSilent || now - since < SILENT_MS',
    scenarios: ['delete-without-a-scheduler'],
  },
  {
    name: 'silent-scheduler-holds-up-the-end',
    like: 'a finalizer that waits for an API which the network has no way to',
    file: 'reconcile/observe.ts',
    find: '!kind.safeguard || (isSilent && now - since < SILENT_MS)',
    replace: '!kind.safeguard || isSilent',
    scenarios: ['delete-with-a-silent-scheduler'],
  },
];
