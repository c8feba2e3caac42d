import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { kubectlMinor } from './binary.ts';
import { cells, done, failed } from './kubectl.ts';

const bed = useBed();
const run = (line: string) => bed().kubectl.run(line);

describe('discovery', () => {
  test('says which Kubernetes it speaks', async () => {
    const { code, stdout } = await run('version');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Client Version: v1\.\S+\nKustomize Version: v\S+\nServer Version: v1\.3[1-3]\.\S+\n$/,
    );
  });

  test('says which version of this program answers', async () => {
    const { stdout } = await run('version -o json');
    expect(JSON.parse(stdout).serverVersion).toMatchObject({
      gitVersion: expect.stringMatching(/^v1\.3[1-3]\.\d+.*bastion-operator/),
      major: '1',
    });
  });

  test('lists its resources with their short names', async () => {
    expect(cells(await run('api-resources --api-group=bastion-operator.dev'))).toEqual([
      ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'],
      ['bastions', 'bst', 'bastion-operator.dev/v1alpha1', 'true', 'Bastion'],
      ['gitsources', 'sources,source', 'bastion-operator.dev/v1alpha1', 'true', 'GitSource'],
      ['guards', 'bastion-operator.dev/v1alpha1', 'true', 'Guard'],
    ]);
  });

  test('lists the verbs and categories of a resource', async () => {
    const { stdout } = await run('api-resources --api-group=bastion-operator.dev -o wide --no-headers');
    const verbs = 'create,delete,deletecollection,get,list,patch,update,watch';
    expect(stdout).toMatch(new RegExp(`^bastions .* Bastion +${verbs} +all$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^guards .* Guard +${verbs} *$`, 'm'));
  });

  test('lists what stands around them: events, namespaces, pods, reviews', async () => {
    const { stdout } = await run('api-resources -o name');
    expect(stdout.trim().split('\n').sort()).toEqual(
      expect.arrayContaining([
        'bastions.bastion-operator.dev',
        'events',
        'events.events.k8s.io',
        'gitsources.bastion-operator.dev',
        'guards.bastion-operator.dev',
        'namespaces',
        'pods',
        'selfsubjectaccessreviews.authorization.k8s.io',
        'selfsubjectreviews.authentication.k8s.io',
        'selfsubjectrulesreviews.authorization.k8s.io',
      ]),
    );
  });

  test('knows which resources have no namespace', async () => {
    const { stdout } = await run('api-resources --namespaced=false -o name');
    expect(stdout).toContain('namespaces\n');
    expect(stdout).not.toContain('bastions');
  });

  test('finds what belongs to the category all', async () => {
    const { stdout } = await run('api-resources --categories=all -o name');
    expect(stdout).toContain('bastions.bastion-operator.dev\n');
    expect(stdout).not.toContain('guards');
  });

  test('lists its API versions', async () => {
    const { code, stdout } = await run('api-versions');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        'authentication.k8s.io/v1',
        'authorization.k8s.io/v1',
        'bastion-operator.dev/v1alpha1',
        'events.k8s.io/v1',
        'v1',
      ]),
    );
  });

  test('says that it is healthy', async () => {
    expect(await run('get --raw /readyz')).toEqual({ code: 0, stdout: 'ok', stderr: '' });
    expect(await run('get --raw /livez')).toEqual({ code: 0, stdout: 'ok', stderr: '' });
  });

  test('gives raw paths as they are', async () => {
    const { stdout } = await run('get --raw /apis/bastion-operator.dev/v1alpha1');
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'APIResourceList',
      groupVersion: 'bastion-operator.dev/v1alpha1',
    });
  });

  test('refuses raw paths that are not there', async () => {
    expect(await run('get --raw /nowhere')).toEqual(
      failed('Error from server (NotFound): the server could not find the requested resource'),
    );
  });

  test('is told apart from a server that does not run', async () => {
    const { code, stderr } = await run('get bastions --server=http://127.0.0.1:1');
    expect(code).toBe(1);
    // Before it come as many lines of its log as it made attempts.
    expect(stderr).toContain(
      'The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n',
    );
  });

  test('is reached without a kubeconfig', async () => {
    const { folder, url } = bed();
    expect(
      await bed().kubectl.run(`get bastions -n nobody -s ${url}`, { env: { KUBECONFIG: `${folder}/none` } }),
    ).toEqual(done('', 'No resources found in nobody namespace.'));
  });
});

describe('explain', () => {
  test('describes a resource', async () => {
    const { code, stdout } = await run('explain bastions');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^GROUP: {6}bastion-operator\.dev\nKIND: {7}Bastion\nVERSION: {4}v1alpha1\n\nDESCRIPTION:\n {4}A time-boxed way into private subnets, a Fargate task reached with Session\n {4}Manager\./,
    );
    expect(stdout).toMatch(/^ {2}spec\t<Object> -required-\n {4}The BastionSpec: /m);
    expect(stdout).toMatch(/^ {2}status\t<Object>/m);
    expect(stdout).toMatch(/^ {2}metadata\t<ObjectMeta>/m);
  });

  test('describes a field of it by its short name', async () => {
    const { code, stdout } = await run('explain bst.spec.ttl');
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nFIELD: ttl <string>\n/);
    expect(stdout).toContain('How long one activation lives, such as 90m or 4h; from 5m to 168h.');
  });

  test('names the values that a field takes', async () => {
    const { stdout } = await run('explain bastion.spec.network.path');
    expect(stdout).toMatch(/\nFIELD: path <string>\n/);
    // kubectl 1.29 does not show them yet.
    if (kubectlMinor() > 29) expect(stdout).toMatch(/\nENUM:\n {4}Auto\n {4}Endpoints\n {4}Nat\n/);
  });

  test('describes the items of a list', async () => {
    const { stdout } = await run('explain bastion.spec.targets');
    expect(stdout).toMatch(/\nFIELD: targets <\[\]Object>\n/);
    expect(stdout).toMatch(/^ {2}name\t<string> -required-\n/m);
    // A target may name its database instead.
    expect(stdout).toMatch(/^ {2}host\t<string>\n/m);
    expect(stdout).toMatch(/^ {2}port\t<integer>\n/m);
  });

  test('shows the whole tree of fields', async () => {
    const { code, stdout } = await run('explain bastions --recursive');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}spec\t<Object> -required-\n/m);
    expect(stdout).toMatch(/^ {4}access\t<Object>\n {6}activation\t<Object>\n {8}issuer\t<string>\n/m);
    expect(stdout).toMatch(/^ {6}securityGroupId\t<string>\n/m);
    expect(stdout).toMatch(/^ {4}creationTimestamp\t<string>\n/m);
  });

  test('describes the other resources', async () => {
    expect((await run('explain guards.status.token')).stdout).toMatch(/\nFIELD: token <string>\n/);
    expect((await run('explain events')).stdout).toMatch(/^KIND: {7}Event\nVERSION: {4}v1\n/);
  });

  test('refuses a field that is not there', async () => {
    const { code, stderr } = await run('explain bastions.spec.nope');
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: field "nope" does not exist\n' });
  });

  test('refuses a resource that is not there', async () => {
    expect(await run('explain bastillons')).toEqual(
      failed('the server doesn\'t have a resource type "bastillons"'),
    );
  });
});
