import { expect, test } from 'vitest';
import { TestMachine } from '../fs/testing.js';
import { WaitQueue, type Waiter } from './wait.js';

/** A watcher that notes when it is told. */
class Watcher implements Waiter {
  constructor(
    private readonly log: string[],
    private readonly name: string,
    readonly exclusive = false,
    private readonly takes = true,
  ) {}
  woken(_queue: WaitQueue, key: number): boolean {
    this.log.push(`${this.name}:${key}`);
    return this.takes;
  }
}

function setUp() {
  const machine = new TestMachine();
  const queue = new WaitQueue();
  const log: string[] = [];
  const sleep = () => {
    const task = machine.newProcess();
    return machine.run(async () => {
      await queue.sleep(task);
      return 0;
    });
  };
  return { machine, queue, log, sleep };
}

test('watchers stay in the queue, and the last one is told first', () => {
  const { queue, log } = setUp();
  queue.add(new Watcher(log, 'a'));
  queue.add(new Watcher(log, 'b'));
  queue.wake(1);
  queue.wakeOne(2);
  expect(log).toEqual(['b:1', 'a:1', 'b:2', 'a:2']);
});

test('wakeOne wakes the sleeper that has waited longest, and every watcher', async () => {
  const { machine, queue, log, sleep } = setUp();
  const calls = [await sleep(), await sleep()];
  queue.add(new Watcher(log, 'watcher'));
  expect(queue.wakeOne(4)).toBe(true);
  await machine.settle();
  expect(calls.map(({ state }) => state)).toEqual(['done', 'asleep']);
  expect(log).toEqual(['watcher:4']);
  expect(queue.wakeOne()).toBe(true);
  expect(queue.wakeOne()).toBe(false);
});

test('of exclusive watchers, one that has a use for it is told', () => {
  const { queue, log } = setUp();
  queue.add(new Watcher(log, 'busy', true, false));
  queue.add(new Watcher(log, 'free', true));
  queue.add(new Watcher(log, 'late', true));
  queue.wake(1);
  expect(log).toEqual(['busy:1', 'free:1']);
});
