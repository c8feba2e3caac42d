import { describe, expect, it } from 'vitest';
import { simulate } from '../../controller/app/aws.ts';
import { greeting } from '../../controller/app/greeting.ts';
import { VirtualClock } from '../clock.ts';

const FLAGS = {
  dataDir: '/home/me/.bastion-operator',
  defaultDataDir: '/home/me/.bastion-operator',
  region: 'eu-west-1',
};

describe('the greeting', () => {
  it('says where everything is and what to try', async () => {
    const aws = await simulate('eu-west-1', new VirtualClock(), 'one');
    const text = greeting(FLAGS, aws);
    expect(text).toContain(`simulated AWS (${aws.address}), eu-west-1`);
    expect(text).toContain('npx bastionctl get -w\n');
    expect(text).not.toContain('--data-dir');
    const elsewhere = greeting({ ...FLAGS, dataDir: '/tmp/x' }, aws);
    expect(elsewhere.match(/npx bastionctl .* --data-dir \/tmp\/x\n/g)).toHaveLength(5);
    expect(greeting({ ...FLAGS, dataDir: "/tmp/it's here" }, aws)).toContain(
      `--data-dir '/tmp/it'\\''s here'\n`,
    );
    expect(text).not.toContain('standing by');
    expect(greeting({ ...FLAGS, leader: 42 }, aws)).toContain(
      'standing by: process 42 leads on this data folder\n',
    );
    await aws.close();
  });

  it('says where the API is, and how kubectl gets there where that takes no more than its address', async () => {
    const aws = await simulate('eu-west-1', new VirtualClock(), 'one');
    const open = greeting({ ...FLAGS, url: 'http://127.0.0.1:8088' }, aws);
    expect(open).toContain('  API    http://127.0.0.1:8088\n');
    expect(open).toContain('  kubectl --server http://127.0.0.1:8088 get bastions\n');
    const guarded = greeting({ ...FLAGS, url: 'https://10.0.0.1:8443' }, aws);
    expect(guarded).toContain('  API    https://10.0.0.1:8443\n');
    expect(guarded).not.toContain('kubectl');
    expect(greeting(FLAGS, aws)).not.toContain('API');
    await aws.close();
  });

  it('calls real AWS by its name and suggests nothing there', () => {
    const aws = { accountId: '111111111111', connection: {}, address: 'real', close: async () => {} };
    const text = greeting({ ...FLAGS, table: 'bastions' }, aws);
    expect(text).toContain('REAL AWS, account 111111111111, eu-west-1');
    expect(text).toContain('table bastions');
    expect(text).not.toContain('Try');
  });
});
