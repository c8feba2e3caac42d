import { describe, expect, it } from 'vitest';
import { columnsFor } from '../../controller/api/columns.ts';
import { event, sample } from '../server/fixture.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');

function cells(type: Parameters<typeof columnsFor>[0], object: object): Record<string, string> {
  const shown = columnsFor(type).map(({ name, cell }) => [name, cell(object as never, NOW)]);
  return Object.fromEntries(shown);
}

function bastion(status: object = {}): object {
  const metadata = { name: 'orders', namespace: 'default', creationTimestamp: '2026-11-23T09:00:00Z' };
  return { ...sample(), metadata, status };
}

describe('the columns of the API', () => {
  it('name the object first, and keep what is long for the wide table', () => {
    const columns = columnsFor('bastions').map(({ name, type, format, priority }) => [
      ...[name, type, format, priority],
    ]);
    expect(columns).toEqual([
      ['Name', 'string', 'name', 0],
      ['Phase', 'string', '', 0],
      ['Transport', 'string', '', 0],
      ['Targets', 'string', '', 0],
      ['Expires', 'date', '', 0],
      ['Age', 'date', '', 0],
      ['VPC', 'string', '', 1],
      ['Session-Target', 'string', '', 1],
      ['Reason', 'string', '', 1],
    ]);
    expect(columnsFor('guards')[0]?.name).toBe('Name');
  });

  it('say how long a Bastion still lives, and how long ago it ended', () => {
    expect(cells('bastions', bastion({ phase: 'Ready', expiresAt: '2026-11-23T11:59:30Z' }))).toMatchObject({
      ...{ Name: 'orders', Phase: 'Ready', Expires: '1h59m', Age: '60m', 'Session-Target': '<none>' },
    });
    const ended = cells('bastions', bastion({ phase: 'Expired', expiresAt: '2026-11-23T09:55:00Z' }));
    expect(ended).toMatchObject({ Phase: 'Expired', Expires: '5m ago' });
    expect(cells('bastions', bastion())).toMatchObject({ Phase: 'Pending', Expires: '<none>' });
  });

  it('of events are those of Kubernetes, in its order', () => {
    const columns = columnsFor('events');
    expect(columns.filter(({ priority }) => priority === 0).map(({ name }) => name)).toEqual([
      ...['Last Seen', 'Type', 'Reason', 'Object', 'Message'],
    ]);
    expect(columns.filter(({ priority }) => priority > 0).map(({ name }) => name)).toEqual([
      ...['Source', 'First Seen', 'Count', 'Name'],
    ]);
    expect(Object.values(cells('events', { ...event('one'), message: 'two\nlines' }))).toContain('two lines');
  });
});
