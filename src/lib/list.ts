/**
 * Doubly linked lists of entries that live inside their owners, as `struct list_head` does: joining and leaving is O(1)
 * and allocates nothing. An owner has one entry for each list that it can be in at the same time.
 *
 *     class Inode { readonly dirty = new ListEntry<Inode>(this); }
 *     dirtyInodes.append(inode.dirty);
 */
import { assert } from './assert.js';

export class ListEntry<T> {
  /** @internal */
  list: List<T> | undefined = undefined;
  /** @internal */
  following: ListEntry<T> | undefined = undefined;
  /** @internal */
  preceding: ListEntry<T> | undefined = undefined;

  constructor(readonly owner: T) {}

  /** Whether it is in a list. */
  get linked(): boolean {
    return this.list !== undefined;
  }

  /** Leaves its list, if it is in one. */
  unlink(): void {
    this.list?.remove(this);
  }
}

export class List<T> {
  private head: ListEntry<T> | undefined = undefined;
  private tail: ListEntry<T> | undefined = undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  get isEmpty(): boolean {
    return this.head === undefined;
  }

  get first(): T | undefined {
    return this.head?.owner;
  }

  get last(): T | undefined {
    return this.tail?.owner;
  }

  append(entry: ListEntry<T>): void {
    this.link(entry, this.tail, undefined);
  }

  prepend(entry: ListEntry<T>): void {
    this.link(entry, undefined, this.head);
  }

  insertBefore(entry: ListEntry<T>, place: ListEntry<T>): void {
    assert(place.list === this, 'the place is in this list');
    this.link(entry, place.preceding, place);
  }

  remove(entry: ListEntry<T>): void {
    assert(entry.list === this, 'the entry is in this list');
    const { preceding, following } = entry;
    if (preceding === undefined) this.head = following;
    else preceding.following = following;
    if (following === undefined) this.tail = preceding;
    else following.preceding = preceding;
    entry.list = entry.following = entry.preceding = undefined;
    this.count--;
  }

  /** Removes and returns the first. */
  shift(): T | undefined {
    const entry = this.head;
    if (entry === undefined) return undefined;
    this.remove(entry);
    return entry.owner;
  }

  /** From first to last. The one just visited may leave meanwhile; other changes end or prolong the walk. */
  *[Symbol.iterator](): IterableIterator<T> {
    let entry = this.head;
    while (entry !== undefined) {
      const next: ListEntry<T> | undefined = entry.following;
      yield entry.owner;
      entry = next;
    }
  }

  private link(
    entry: ListEntry<T>,
    preceding: ListEntry<T> | undefined,
    following: ListEntry<T> | undefined,
  ): void {
    assert(entry.list === undefined, 'an entry is in one list at a time');
    entry.list = this;
    entry.preceding = preceding;
    entry.following = following;
    if (preceding === undefined) this.head = entry;
    else preceding.following = entry;
    if (following === undefined) this.tail = entry;
    else following.preceding = entry;
    this.count++;
  }
}
