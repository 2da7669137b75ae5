/** Arithmetic on capability sets: capabilities(7). */
import type { CapabilitySet } from './credentials.js';

export const makeSet = (lo: number, hi: number): CapabilitySet => ({ lo: lo >>> 0, hi: hi >>> 0 });

export const union = (a: CapabilitySet, b: CapabilitySet): CapabilitySet => makeSet(a.lo | b.lo, a.hi | b.hi);

export const intersection = (a: CapabilitySet, b: CapabilitySet): CapabilitySet =>
  makeSet(a.lo & b.lo, a.hi & b.hi);

export const without = (a: CapabilitySet, b: CapabilitySet): CapabilitySet =>
  makeSet(a.lo & ~b.lo, a.hi & ~b.hi);

/** The set of one capability. */
export const single = (capability: number): CapabilitySet =>
  capability < 32 ? makeSet(1 << capability, 0) : makeSet(0, 1 << (capability - 32));

export const isEmpty = ({ lo, hi }: CapabilitySet): boolean => (lo | hi) === 0;

export const isSubset = (a: CapabilitySet, of: CapabilitySet): boolean => isEmpty(without(a, of));

export const holds = (set: CapabilitySet, capability: number): boolean =>
  !isEmpty(intersection(set, single(capability)));
