import fc from 'fast-check';
import { expect, test } from 'vitest';
import { List, ListEntry } from './list.js';

class Item {
  readonly entry = new ListEntry<Item>(this);
}

test('behaves as an array', () => {
  const what = fc.constantFrom(
    'append' as const,
    'prepend' as const,
    'insert' as const,
    'remove' as const,
    'shift' as const,
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(what, fc.nat()), { maxLength: 60 }), (steps) => {
      const list = new List<Item>();
      const model: Item[] = [];
      for (const [action, number] of steps) {
        const item = new Item();
        const index = number % Math.max(model.length, 1);
        const other = model[index];
        if (action === 'append') {
          list.append(item.entry);
          model.push(item);
        } else if (action === 'prepend') {
          list.prepend(item.entry);
          model.unshift(item);
        } else if (action === 'shift') {
          expect(list.shift()).toBe(model.shift());
        } else if (other !== undefined && action === 'insert') {
          list.insertBefore(item.entry, other.entry);
          model.splice(index, 0, item);
        } else if (other !== undefined) {
          other.entry.unlink();
          expect(other.entry.linked).toBe(false);
          model.splice(index, 1);
        }
        expect([...list]).toEqual(model);
        expect([list.size, list.isEmpty]).toEqual([model.length, model.length === 0]);
        expect(list.first).toBe(model[0]);
        expect(list.last).toBe(model.at(-1));
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('the one just visited may leave during a walk', () => {
  const list = new List<Item>();
  const items = [new Item(), new Item(), new Item()];
  for (const item of items) list.append(item.entry);
  const seen: Item[] = [];
  for (const item of list) {
    seen.push(item);
    item.entry.unlink();
  }
  expect(seen).toEqual(items);
  expect(list.isEmpty).toBe(true);
});

test('an entry is in one list at a time', () => {
  const [list, other] = [new List<Item>(), new List<Item>()];
  const item = new Item();
  list.append(item.entry);
  expect(() => other.append(item.entry)).toThrow('one list');
  expect(() => other.remove(item.entry)).toThrow('this list');
  expect(() => list.insertBefore(new Item().entry, new Item().entry)).toThrow('place');
});
