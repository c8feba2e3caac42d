import { describe, expect, it } from 'vitest';
import { parseGitSpec, redact, sourceId } from '../../controller/sources/git-spec.ts';

const read = (text: string) => {
  const { url, ref, path } = parseGitSpec(text);
  return [url, ref, path];
};

describe('the name of a git source', () => {
  it.each([
    ['https://host/team/repo.git', ['https://host/team/repo.git', 'HEAD', '']],
    ['https://host:8443/repo.git#main', ['https://host:8443/repo.git', 'main', '']],
    [
      'https://host/repo.git#release/1.2:bastions/prod/',
      ['https://host/repo.git', 'release/1.2', 'bastions/prod'],
    ],
    ['https://host/repo.git:bastions', ['https://host/repo.git', 'HEAD', 'bastions']],
    ['https://host:8443/repo.git:bastions', ['https://host:8443/repo.git', 'HEAD', 'bastions']],
    ['git@host:team/repo.git', ['git@host:team/repo.git', 'HEAD', '']],
    ['git@host:team/repo.git:bastions', ['git@host:team/repo.git', 'HEAD', 'bastions']],
    ['ssh://git@host:2222/repo.git#main:a', ['ssh://git@host:2222/repo.git', 'main', 'a']],
    ['/srv/repo#:./a//b', ['/srv/repo', 'HEAD', 'a/b']],
    ['./repo:bastion.yaml', ['./repo', 'HEAD', 'bastion.yaml']],
    ['file:///srv/repo#v1', ['file:///srv/repo', 'v1', '']],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ['', /needs a URL/],
    ['--upload-pack=touch /tmp/x', /must not begin with "-"/],
    ['ext::sh -c id', /Git over "ext" is not allowed/],
    ['ext::sh#main', /Git over "ext" is not allowed/],
    ['http://host/repo', /Git over "http" is not allowed/],
    ['git://host/repo', /Git over "git" is not allowed/],
    ['ssh://-oProxyCommand=id/repo', /host must not begin with "-"/],
    ['ssh://git:secret@host/repo', /must not hold a password/],
    ['https://host/repo#--all', /no git ref/],
    ['https://host/repo#a..b', /no git ref/],
    ['https://host/repo#a b', /no git ref/],
    ['https://host/repo#main:../up', /must stay within the repository/],
  ])('refuses %j', (text, message) => {
    expect(() => parseGitSpec(text)).toThrow(message);
  });

  it('keeps credentials out of everything it shows, and out of the identity', () => {
    const spec = parseGitSpec('https://bot:s%40cret@host/repo.git#main');
    expect(spec.credentials).toEqual({ user: 'bot', password: 's@cret' });
    expect([spec.url, spec.display]).toEqual(['https://host/repo.git', 'https://host/repo.git#main']);
    expect(sourceId(spec)).toBe(sourceId(parseGitSpec('https://other:key@host/repo.git#main')));
    const said = 'cannot read https://bot:s%40cret@host/repo.git with s@cret, nor https://x@host/';
    expect(redact(said, spec)).toBe('cannot read https://***@host/repo.git with ***, nor https://***@host/');
  });
});
