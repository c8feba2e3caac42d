import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saveFile } from '../../../controller/app/process/save-file.ts';

describe('a file that is saved', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bastion-save-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const at = (name: string) => join(dir, name);

  it('is whole, of this user only, and alone in its folder', async () => {
    await saveFile(at('one'), 'text\n');
    expect(await readFile(at('one'), 'utf8')).toBe('text\n');
    expect((await stat(at('one'))).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['one']);
  });

  it('takes the place of an earlier one, whatever mode that had', async () => {
    await writeFile(at('one'), 'earlier');
    await chmod(at('one'), 0o644);
    await saveFile(at('one'), 'later');
    expect(await readFile(at('one'), 'utf8')).toBe('later');
    expect((await stat(at('one'))).mode & 0o777).toBe(0o600);
  });

  it('leaves what stood there when no draft can be made', async () => {
    // The draft's name is longer than it.
    const long = at('n'.repeat(252));
    await writeFile(long, 'earlier');
    await expect(saveFile(long, 'later')).rejects.toThrow(
      /^cannot write .*make room, or name a file elsewhere$/s,
    );
    expect(await readFile(long, 'utf8')).toBe('earlier');
  });

  it('is one of several that are saved at once, whole', async () => {
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(1_000_000));
    await Promise.all(texts.map((text) => saveFile(at('one'), text)));
    expect(texts).toContain(await readFile(at('one'), 'utf8'));
    expect(await readdir(dir)).toEqual(['one']);
  });

  it('refuses a link, a folder, a device and a folder that is not there, and says what to do', async () => {
    await writeFile(at('target'), 'kept');
    await symlink(at('target'), at('link'));
    await expect(saveFile(at('link'), 'x')).rejects.toThrow(
      `cannot write ${at('link')}: it is a symbolic link; name the file that it leads to`,
    );
    expect(await readFile(at('target'), 'utf8')).toBe('kept');
    await expect(saveFile(dir, 'x')).rejects.toThrow('it is a folder; name a file in it');
    await expect(saveFile('/dev/null', 'x')).rejects.toThrow('it is no regular file');
    await expect(saveFile(at('none/one'), 'x')).rejects.toThrow(
      'no such file or directory (ENOENT); make its folder first',
    );
    await expect(saveFile(at('target/one'), 'x')).rejects.toThrow('(ENOTDIR); its folder is a file');
  });
});
