import type { Target } from '../api/target.ts';

/** A program that speaks to what is behind a local port. */
interface Client {
  readonly engine: RegExp;
  readonly port: number;
  readonly line: (port: number) => string;
  /** As that program itself looks for it in its environment. */
  readonly env: (port: string) => Readonly<Record<string, string>>;
}

/** The name could stand for an IPv6 address, on which nothing listens. */
export const LOCAL_HOST = '127.0.0.1';

const CLIENTS: readonly Client[] = [
  {
    ...{ engine: /postgres/, port: 5432 },
    line: (port) => `psql -h ${LOCAL_HOST} -p ${port} -U USER DATABASE`,
    env: (port) => ({ PGHOST: LOCAL_HOST, PGPORT: port }),
  },
  {
    ...{ engine: /mysql|mariadb/, port: 3306 },
    line: (port) => `mysql -h ${LOCAL_HOST} -P ${port} -u USER -p DATABASE`,
    env: (port) => ({ MYSQL_HOST: LOCAL_HOST, MYSQL_TCP_PORT: port }),
  },
  {
    ...{ engine: /redis|valkey/, port: 6379 },
    line: (port) => `redis-cli -h ${LOCAL_HOST} -p ${port}`,
    env: (port) => ({ REDIS_HOST: LOCAL_HOST, REDIS_PORT: port }),
  },
  {
    ...{ engine: /sqlserver/, port: 1433 },
    line: (port) => `sqlcmd -S ${LOCAL_HOST},${port} -U USER`,
    env: (port) => ({ SQLCMDSERVER: `${LOCAL_HOST},${port}` }),
  },
  {
    ...{ engine: /oracle/, port: 1521 },
    line: (port) => `sqlplus USER@//${LOCAL_HOST}:${port}/SERVICE`,
    env: () => ({}),
  },
  {
    ...{ engine: /docdb|mongo/, port: 27017 },
    line: (port) => `mongosh 'mongodb://${LOCAL_HOST}:${port}/?directConnection=true'`,
    env: () => ({}),
  },
  {
    ...{ engine: /^http$/, port: 80 },
    line: (port) => `curl http://${LOCAL_HOST}:${port}/`,
    env: () => ({}),
  },
];

/** What AWS calls it counts more than the port, which anything may listen on. */
function clientOf({ engine, port }: Pick<Target, 'engine' | 'port'>): Client | undefined {
  return engine === undefined
    ? CLIENTS.find((client) => client.port === port)
    : CLIENTS.find((client) => client.engine.test(engine));
}

/** A line ready to be pasted, with what only the person knows in capitals; else where it is. */
export function clientLine(target: Pick<Target, 'engine' | 'port'>, localPort: number): string {
  return clientOf(target)?.line(localPort) ?? `${LOCAL_HOST}:${localPort}`;
}

export interface OpenPort {
  readonly target: Target;
  readonly localPort: number;
}

/** What a command finds in its environment. Of several targets the first is meant where there is no name to tell them by. */
export function clientEnv(ports: readonly OpenPort[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { target, localPort } of [...ports].reverse()) {
    const port = String(localPort);
    const name = target.name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
    Object.assign(env, clientOf(target)?.env(port), { BASTION_HOST: LOCAL_HOST, BASTION_PORT: port });
    Object.assign(env, { [`BASTION_${name}_HOST`]: LOCAL_HOST, [`BASTION_${name}_PORT`]: port });
  }
  return env;
}
