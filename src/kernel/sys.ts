/** Calls about the machine as a whole, and a few without another home: sysinfo(2), getrandom(2), personality(2). */
import { PAGE_SIZE } from '../host/memory.js';
import { EFAULT, EINVAL } from '../uapi/errno.js';
import { PERSONALITY_QUERY } from '../uapi/personality.js';
import { GRND_INSECURE, GRND_RANDOM, getrandomFlags } from '../uapi/random.js';
import { SI_LOAD_SHIFT, sysinfo } from '../uapi/sysinfo.js';
import { address, flags, size, syscall, uint } from './syscall.js';

const NS_PER_SECOND = 1_000_000_000;

export const sys_sysinfo = syscall([address], (task, at) => {
  const { kernel } = task;
  const { frames, memory, pids, host } = kernel;
  const record = {
    uptime: Math.ceil(host.clock.now() / NS_PER_SECOND),
    loads: kernel.loadAverages.map((load) => Math.round(load * 2 ** SI_LOAD_SHIFT)),
    totalram: frames.total * PAGE_SIZE,
    freeram: frames.free * PAGE_SIZE,
    sharedram: memory.shmemPages * PAGE_SIZE,
    procs: pids.tasks.size & 0xffff,
    mem_unit: 1,
  };
  task.memory.copyOut(at, sysinfo.encode(record));
  return 0;
});

/** A read moves no more than this at once. */
const MAX_RW_COUNT = 0x7fff_f000;
const CHUNK = 65536;

/** getrandom(2). The host's generator is ready before we are, so nothing ever blocks. */
export const sys_getrandom = syscall([address, size, flags(getrandomFlags)], (task, at, length, how) => {
  if ((how & (GRND_RANDOM | GRND_INSECURE)) === (GRND_RANDOM | GRND_INSECURE)) throw EINVAL;
  const wanted = Math.min(length, MAX_RW_COUNT);
  let done = 0;
  while (done < wanted) {
    const bytes = new Uint8Array(Math.min(CHUNK, wanted - done));
    task.kernel.host.random(bytes);
    const copied = task.memory.copyOutPartial(at + done, bytes);
    done += copied;
    if (copied < bytes.length) break;
  }
  if (done === 0 && wanted > 0) throw EFAULT;
  return done;
});

export const sys_personality = syscall([uint], (task, wanted) => {
  const old = task.personality;
  if (wanted !== PERSONALITY_QUERY) task.personality = wanted;
  return old;
});
