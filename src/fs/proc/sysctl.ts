/** /proc/sys: the machine's settings. sysctl(8); Documentation/admin-guide/sysctl. */
import type { FsSettings, Kernel } from '../../kernel/kernel.js';
import { UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from '../../kernel/version.js';
import type { Task } from '../../kernel/task.js';
import type { Name } from '../../lib/names.js';
import type { NetSettings } from '../../net/settings.js';
import type { MemoryManager } from '../../mm/memory-manager.js';
import { EINVAL } from '../../uapi/errno.js';
import { type Entry, directory } from '../kernfs.js';
import { roundPipeSize } from '../pipe.js';

const fixed = (show: (task: Task) => Name | number): Entry => ({
  kind: 'text',
  mode: 0o444,
  show: (task) => `${show(task)}\n`,
});

/** A setting that programs write and read back, though nothing here depends on it. */
function kept(initial: Name): Entry {
  let value = initial;
  return {
    kind: 'text',
    mode: 0o644,
    show: () => `${value}\n`,
    write(_task, written) {
      value = written.trimEnd();
    },
  };
}

/** A number between bounds that lives elsewhere. */
function numeric(get: () => number, set: (value: number) => void, min = 0, max = 0x7fff_ffff): Entry {
  return {
    kind: 'text',
    mode: 0o644,
    show: () => `${get()}\n`,
    write(_task, written) {
      const value = Number(written.trim());
      if (written.trim() === '' || !Number.isInteger(value) || value < min || value > max) throw EINVAL;
      set(value);
    },
  };
}

function words(get: (task: Task) => Name, set: (task: Task, value: Name) => void): Entry {
  return {
    kind: 'text',
    mode: 0o644,
    show: (task) => `${get(task)}\n`,
    write: (task, value) => set(task, value.replace(/\n.*$/s, '')),
  };
}

/** /proc/sys/vm as the memory manager has it. */
type MemorySetting = Extract<
  keyof MemoryManager,
  | `dirty${string}${'Ratio' | 'Centisecs'}`
  | `overcommit${string}`
  | 'maxMapCount'
  | 'mmapMinAddress'
  | `${string}Oom`
  | 'oomKillAllocatingTask'
>;

/** A random UUID (version 4). */
function uuid(kernel: Kernel): Name {
  const bytes = new Uint8Array(16);
  kernel.host.random(bytes);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** net.ipv4.ip_local_port_range: the first and the last port. */
function portRange(kernel: Kernel): Entry {
  return {
    kind: 'text',
    mode: 0o644,
    show: () => `${kernel.net.settings.localPortFirst}\t${kernel.net.settings.localPortLast}\n`,
    write(_task, written) {
      const [first, last] = written.trim().split(/\s+/).map(Number);
      if (!Number.isInteger(first) || !Number.isInteger(last) || first < 1 || last > 65_535 || first > last)
        throw EINVAL;
      kernel.net.settings.localPortFirst = first;
      kernel.net.settings.localPortLast = last;
    },
  };
}

export function sysDirectory(kernel: Kernel): Entry {
  const network = (which: keyof NetSettings, min: number, max = 0x7fff_ffff): Entry =>
    numeric(
      () => kernel.net.settings[which],
      (value) => (kernel.net.settings[which] = value),
      min,
      max,
    );
  const memory = (which: MemorySetting, min = 0, max = 0x7fff_ffff): Entry =>
    numeric(
      () => kernel.memory[which],
      (value) => (kernel.memory[which] = value),
      min,
      max,
    );
  const bootId = uuid(kernel);
  const { fsSettings, log, pids } = kernel;
  return directory({
    abi: directory({}),
    debug: directory({}),
    dev: directory({}),
    fs: directory({
      'dentry-state': fixed(() => '0\t0\t45\t0\t0\t0'),
      'file-max': kept('9223372036854775807'),
      'file-nr': fixed(() => '0\t0\t9223372036854775807'),
      'inode-nr': fixed(() => '0\t0'),
      'lease-break-time': kept('45'),
      nr_open: kept('1048576'),
      'pipe-max-size': numeric(
        () => fsSettings.pipeMaxSize,
        (value) => (fsSettings.pipeMaxSize = roundPipeSize(value)),
        1,
        2 ** 31 - 1,
      ),
      protected_fifos: protection(kernel, 'protectedFifos'),
      protected_hardlinks: protection(kernel, 'protectedHardlinks'),
      protected_regular: protection(kernel, 'protectedRegular'),
      protected_symlinks: protection(kernel, 'protectedSymlinks'),
      suid_dumpable: kept('0'),
      inotify: directory({
        max_queued_events: fsSetting(kernel, 'inotifyMaxQueuedEvents'),
        max_user_instances: fsSetting(kernel, 'inotifyMaxUserInstances'),
        max_user_watches: fsSetting(kernel, 'inotifyMaxUserWatches'),
      }),
      epoll: directory({ max_user_watches: kept('1048576') }),
      mqueue: directory({ msg_max: kept('10'), msgsize_max: kept('8192'), queues_max: kept('256') }),
    }),
    kernel: directory({
      cap_last_cap: fixed(() => 40),
      core_pattern: kept('core'),
      core_uses_pid: kept('0'),
      'ctrl-alt-del': kept('0'),
      dmesg_restrict: numeric(
        () => Number(log.restricted),
        (value) => (log.restricted = value === 1),
        0,
        1,
      ),
      domainname: words(
        (task) => task.namespaces.uts.domainname,
        (task, value) => (task.namespaces.uts.domainname = value),
      ),
      hostname: words(
        (task) => task.namespaces.uts.nodename,
        (task, value) => (task.namespaces.uts.nodename = value),
      ),
      kptr_restrict: kept('0'),
      modprobe: kept('/sbin/modprobe'),
      msgmax: kept('8192'),
      msgmnb: kept('16384'),
      msgmni: kept('32000'),
      ngroups_max: fixed(() => 65536),
      osrelease: fixed(() => UTS_RELEASE),
      ostype: fixed(() => UTS_SYSNAME),
      overflowgid: kept('65534'),
      overflowuid: kept('65534'),
      panic: kept('0'),
      panic_on_oops: kept(kernel.params.panicOnOops ? '1' : '0'),
      perf_event_paranoid: kept('2'),
      pid_max: numeric(
        () => pids.max,
        (value) => (pids.max = value),
        301,
        4194304,
      ),
      poweroff_cmd: kept('/sbin/poweroff'),
      printk: words(
        () => `${log.consoleLevel}\t4\t1\t7`,
        (_task, value) => {
          const level = Number(value.trim().split(/\s+/)[0]);
          if (!Number.isInteger(level) || level < 0) throw EINVAL;
          log.consoleLevel = level;
        },
      ),
      printk_ratelimit: kept('5'),
      random: directory({
        boot_id: fixed(() => bootId),
        entropy_avail: fixed(() => 256),
        poolsize: fixed(() => 256),
        uuid: fixed(() => uuid(kernel)),
        urandom_min_reseed_secs: kept('60'),
        write_wakeup_threshold: kept('256'),
      }),
      randomize_va_space: numeric(
        () => kernel.randomizeVaSpace,
        (value) => (kernel.randomizeVaSpace = value),
      ),
      sched_child_runs_first: kept('0'),
      sem: kept('32000\t1024000000\t500\t32000'),
      shmall: kept('18446744073692774399'),
      shmmax: kept('18446744073692774399'),
      shmmni: kept('4096'),
      sysrq: kept('438'),
      tainted: fixed(() => 0),
      'threads-max': numeric(
        () => pids.maxTasks,
        (value) => (pids.maxTasks = value),
        20,
        pids.maxTasks,
      ),
      unprivileged_bpf_disabled: kept('2'),
      version: fixed(() => UTS_VERSION),
      yama: directory({ ptrace_scope: kept('0') }),
      keys: directory({ maxkeys: kept('200') }),
      pty: directory({ max: kept('4096'), nr: fixed(() => 0), reserve: kept('1024') }),
    }),
    net: directory({
      core: directory({
        rmem_default: network('rmemDefault', 2304),
        rmem_max: network('rmemMax', 2304),
        somaxconn: network('somaxconn', 0),
        wmem_default: network('wmemDefault', 4608),
        wmem_max: network('wmemMax', 4608),
      }),
      unix: directory({ max_dgram_qlen: network('maxDatagrams', 0) }),
      ipv4: directory({
        ip_forward: kept('0'),
        ip_local_port_range: portRange(kernel),
        ip_unprivileged_port_start: network('unprivilegedPortStart', 0, 65_535),
        ping_group_range: kept('1\t0'),
      }),
    }),
    user: directory({ max_user_namespaces: kept('0') }),
    vm: directory({
      dirty_background_ratio: memory('dirtyBackgroundRatio', 0, 100),
      dirty_expire_centisecs: memory('dirtyExpireCentisecs'),
      dirty_ratio: memory('dirtyRatio', 0, 100),
      dirty_writeback_centisecs: memory('dirtyWritebackCentisecs'),
      drop_caches: {
        kind: 'text',
        mode: 0o200,
        show: () => '',
        write: (_task, value) => {
          if ((Number(value.trim()) & 1) !== 0) kernel.memory.dropCaches();
        },
      },
      max_map_count: memory('maxMapCount'),
      min_free_kbytes: numeric(
        () => kernel.memory.minFree * 4,
        (value) => (kernel.memory.minFree = Math.min(value >>> 2, kernel.frames.total >>> 3)),
      ),
      mmap_min_addr: memory('mmapMinAddress'),
      overcommit_memory: memory('overcommitMemory', 0, 2),
      overcommit_ratio: memory('overcommitRatio'),
      overcommit_kbytes: memory('overcommitKbytes'),
      oom_kill_allocating_task: memory('oomKillAllocatingTask'),
      panic_on_oom: memory('panicOnOom', 0, 2),
      swappiness: kept('60'),
      vfs_cache_pressure: kept('100'),
    }),
  });
}

const protection = (kernel: Kernel, which: keyof FsSettings): Entry => fsSetting(kernel, which, 2);

function fsSetting({ fsSettings }: Kernel, which: keyof FsSettings, max?: number): Entry {
  return numeric(
    () => fsSettings[which],
    (value) => (fsSettings[which] = value),
    0,
    max,
  );
}
