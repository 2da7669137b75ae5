/**
 * Reclaim: takes clean pages of files out of memory. Pages that were used only once go first, then those used again, then
 * those that are mapped; dirty ones are written back on the way.
 */
import type { MemoryManager } from './memory-manager.js';
import type { CachedPages } from './cached-pages.js';
import { NODE_PAGES, PAGE_DIRTY, PAGE_REFERENCED, PAGE_WRITEBACK, pageFrame } from './page-tree.js';
import { startWriting } from './writeback.js';

/** Each round takes more than the one before. */
const ROUNDS = ['unused', 'unmapped', 'mapped'] as const;
type Round = (typeof ROUNDS)[number];

/** Frees up to `goal` frames, if there are so many to free, in rounds up to `last`. Returns how many. */
export function reclaim(memory: MemoryManager, goal: number, last: Round = 'mapped'): number {
  // A store that is asked to write may need memory itself.
  if (memory.reclaiming) return 0;
  memory.reclaiming = true;
  let freed = 0;
  try {
    for (const round of ROUNDS) {
      for (const cache of Array.from(memory.caches)) {
        if (freed >= goal) break;
        freed += shrink(cache, goal - freed, round);
        // Looked at last the next time.
        if (memory.caches.delete(cache)) memory.caches.add(cache);
      }
      if (round === last) break;
    }
  } finally {
    memory.reclaiming = false;
  }
  memory.counters.pgsteal += freed;
  return freed;
}

function shrink(cache: CachedPages, goal: number, round: Round): number {
  if (cache.tree.dirty > 0 && round !== 'unused') void startWriting(cache, 0, Infinity);
  let freed = 0;
  for (const start of cache.tree.nodeStarts()) {
    if (freed >= goal) break;
    freed += shrinkNode(cache, start, round);
    cache.tree.passed(start);
  }
  return freed;
}

function shrinkNode(cache: CachedPages, start: number, round: Round): number {
  const { memory, tree } = cache;
  const { frames } = memory;
  const idle: number[] = [];
  let mapped = false;
  for (const page of tree.pages(start, start + NODE_PAGES)) {
    const entry = tree.get(page);
    memory.counters.pgscan++;
    if ((entry & (PAGE_DIRTY | PAGE_WRITEBACK)) !== 0) continue;
    if (round === 'unused' && (entry & PAGE_REFERENCED) !== 0) tree.change(page, 0, PAGE_REFERENCED);
    else if (frames.references(pageFrame(entry)) === 1) idle.push(page);
    else mapped = true;
  }
  if (mapped && round === 'mapped') {
    for (const mapping of cache.mappings) if (!mapping.locked) mapping.zap(start, NODE_PAGES, false);
    for (const page of tree.pages(start, start + NODE_PAGES)) {
      const entry = tree.get(page);
      const clean = (entry & (PAGE_DIRTY | PAGE_WRITEBACK)) === 0;
      if (clean && frames.references(pageFrame(entry)) === 1 && !idle.includes(page)) idle.push(page);
    }
  }
  cache.removePages(idle);
  return idle.length;
}
