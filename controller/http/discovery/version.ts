import { arch, platform } from 'node:os';
import type { AddRoutes, ServerContext } from '../context.ts';

/** Whose API this server speaks. kubectl may be one minor older or newer; Google's dispatcher runs the same. */
const KUBERNETES = { major: '1', minor: '32' } as const;

/** Who this is, and whether it is well. */
export const addVersion: AddRoutes = (app, context) => {
  app.get('/version', () => versionInfo(context));
  for (const path of ['/healthz', '/livez']) app.get(path, (_request, reply) => plain(reply, 'ok'));
  app.get('/readyz', async (_request, reply) => {
    try {
      await context.api.guards.list({ limit: 1 });
    } catch {
      // Why is for the log, not for whoever may ask.
      return plain(reply.code(503), 'the store does not answer');
    }
    return plain(reply, 'ok');
  });
};

function plain<R>(reply: { type(type: string): { send(text: string): R } }, text: string): R {
  return reply.type('text/plain; charset=utf-8').send(text);
}

function versionInfo({ version }: Pick<ServerContext, 'version'>) {
  const { major, minor } = KUBERNETES;
  return {
    ...{ major, minor, gitVersion: `v${major}.${minor}.0+bastion-operator.${version}` },
    ...{ gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '' },
    platform: `${platform()}/${arch() === 'x64' ? 'amd64' : arch()}`,
  };
}
