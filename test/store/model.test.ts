import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KubeObject, objectName } from '../../controller/api/object.ts';
import { ConflictError, type Store } from '../../controller/store/store.ts';
import { createDynaliteSubject } from './dynalite.ts';
import { readConsistently, replay, type TableSubject, thing } from './subject.ts';

interface Model {
  readonly objects: Map<string, KubeObject>;
  revision: number;
}

interface Real {
  readonly subject: TableSubject;
  readonly stores: readonly Store[];
}

type Step = fc.AsyncCommand<Model, Real>;

const storeIndex = fc.nat({ max: 1 });
const name = fc.constantFrom('a', 'b', 'c');
const value = fc.jsonValue({ maxDepth: 2 });

function pick(real: Real, index: number): Store {
  const store = real.stores[index];
  if (!store) throw new Error(`there is no store ${index}`);
  return store;
}

/** Puts over what the model holds, or with a version that is not the stored one. */
function put(index: number, object: string, content: unknown, stale: boolean): Step {
  return {
    check: () => true,
    toString: () => `put(store ${index}, ${object}, ${JSON.stringify(content)}${stale ? ', stale' : ''})`,
    async run(model, real) {
      const current = model.objects.get(object)?.metadata.resourceVersion;
      const writing = pick(real, index).put(
        'bastions',
        thing(object, { content }),
        stale ? '999999' : current,
      );
      if (stale) return expect(writing).rejects.toThrow(ConflictError);
      const stored = await writing;
      expect(stored.metadata.resourceVersion).toBe(String(++model.revision));
      model.objects.set(object, stored);
    },
  };
}

function remove(index: number, object: string): Step {
  return {
    check: (model) => model.objects.has(object),
    toString: () => `delete(store ${index}, ${object})`,
    async run(model, real) {
      const expected = model.objects.get(object)?.metadata.resourceVersion ?? '';
      await pick(real, index).delete('bastions', `default/${object}`, expected);
      model.objects.delete(object);
      model.revision++;
    },
  };
}

function read(index: number): Step {
  return {
    check: () => true,
    toString: () => `list(store ${index})`,
    async run(model, real) {
      const { items, revision } = await pick(real, index).list('bastions');
      expect(revision).toBe(model.revision);
      expect(new Map(items.map((item) => [item.metadata.name, item]))).toEqual(model.objects);
    },
  };
}

/** A new process takes the place of the first. */
const restart: Step = {
  check: () => true,
  toString: () => 'restart()',
  async run(_, real) {
    const [first] = real.stores;
    await first?.close();
    Object.assign(real.stores, { 0: real.subject.open() });
  },
};

describe('the store against a model', () => {
  it('does what a map with a counter does, through any two stores', { timeout: 120_000 }, async () => {
    const commands = fc.commands(
      [
        fc.tuple(storeIndex, name, value, fc.constant(false)).map((args) => put(...args)),
        fc.tuple(storeIndex, name, value, fc.boolean()).map((args) => put(...args)),
        fc.tuple(storeIndex, name).map((args) => remove(...args)),
        storeIndex.map(read),
        fc.constant(restart),
      ],
      { maxCommands: 30 },
    );
    const property = fc.asyncProperty(commands, async (steps) => {
      const subject = await createDynaliteSubject();
      const real = { subject, stores: [subject.open(), subject.open()] };
      const model: Model = { objects: new Map(), revision: 0 };
      try {
        await fc.asyncModelRun(() => ({ model, real }), steps);
        const { history, state } = await readConsistently(subject.open(), subject.clock);
        expect(history).toHaveLength(model.revision);
        expect(replay(history)).toEqual(state);
        expect([...state.values()].map(objectName).sort()).toEqual(
          [...model.objects.values()].map(objectName).sort(),
        );
      } finally {
        await subject.close();
      }
    });
    await fc.assert(property, { numRuns: 30 });
  });
});
