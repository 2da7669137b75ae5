/**
 * Access to another process's memory, or past an area's protection: ptrace(2) and /proc/PID/mem, which read what the
 * program itself may not read and write, as copies, into what it may not write. Linux's access_remote_vm with FOLL_FORCE.
 */
import { CHUNK_FRAME_MASK, CHUNK_FRAME_SHIFT, PAGE_SIZE } from '../host/memory.js';
import type { AddressSpace } from './address-space.js';
import { areaFor, resolve } from './fault.js';
import { PTE_ANON, frameOf } from './page-table.js';
import { VM_MAYREAD, VM_MAYWRITE, VM_WRITE } from './vma.js';

/** Fills `into`; returns how many bytes before something that cannot be read. */
export function readForced(space: AddressSpace, address: number, into: Uint8Array): number {
  return transfer(space, address, into, false);
}

/** Writes; returns how many bytes before something that cannot be written. */
export function writeForced(space: AddressSpace, address: number, from: Uint8Array): number {
  return transfer(space, address, from, true);
}

function transfer(space: AddressSpace, address: number, bytes: Uint8Array, write: boolean): number {
  let done = 0;
  while (done < bytes.length) {
    const at = address + done;
    const frame = forcedFrame(space, at, write);
    if (frame === 0) return write ? done : done + readHostRange(space, at, bytes.subarray(done));
    const offset = at % PAGE_SIZE;
    const count = Math.min(bytes.length - done, PAGE_SIZE - offset);
    const chunk = space.frames.memory.chunks[frame >>> CHUNK_FRAME_SHIFT];
    const start = (frame & CHUNK_FRAME_MASK) * PAGE_SIZE + offset;
    if (write) chunk.set(bytes.subarray(done, done + count), start);
    else bytes.set(chunk.subarray(start, start + count), done);
    done += count;
  }
  return done;
}

/** The host's vDSO, which is no memory of ours. */
function readHostRange(space: AddressSpace, address: number, into: Uint8Array): number {
  for (const { start, end, bytes } of space.manager.kernel.host.cpu.hostRanges) {
    if (bytes === undefined || address < start || address >= end) continue;
    const found = bytes.subarray(address - start, address - start + into.length);
    into.set(found);
    return found.length;
  }
  return 0;
}

/** The frame behind an address for a forced access; 0 when there is none to be had. */
function forcedFrame(space: AddressSpace, address: number, write: boolean): number {
  if (!(address >= 0 && address < space.top)) return 0;
  const vma = areaFor(space, address);
  if (vma === undefined || (vma.flags & (write ? VM_MAYWRITE : VM_MAYREAD)) === 0) return 0;
  // What is written into shared memory would be seen by others: that takes the right to.
  const ordinary = (vma.flags & VM_WRITE) !== 0;
  if (write && vma.shared && !ordinary) return 0;
  const page = address - (address % PAGE_SIZE);
  const entry = space.tables.entry(page);
  const mine = (entry & PTE_ANON) !== 0 && space.frames.references(frameOf(entry)) === 1;
  if (entry !== 0 && (!write || mine)) return frameOf(entry);
  const done = resolve(space, vma, page, write) === 'done';
  space.commit();
  return done ? frameOf(space.tables.entry(page)) : 0;
}
