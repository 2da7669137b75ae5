/** THE table: which function serves which system call number on x86-64. Made by scripts/make-syscall-table.mjs. */
import type { SystemCall } from '../../kernel/syscall.js';
import { sys_arch_prctl } from '../../arch/x86/arch-prctl.js';
import { sys_ptrace } from '../../arch/x86/ptrace.js';
import { sys_vhangup } from '../../drivers/tty/vhangup.js';
import { sys_access, sys_faccessat, sys_faccessat2 } from '../../fs/access.js';
import { sys_chdir, sys_chroot, sys_fchdir, sys_getcwd, sys_umask } from '../../fs/chdir.js';
import { sys_chmod, sys_chown, sys_fchmod, sys_fchmodat, sys_fchmodat2, sys_fchown, sys_fchownat, sys_lchown } from '../../fs/chmod.js';
import { sys_copy_file_range } from '../../fs/copy-file-range.js';
import { sys_link, sys_linkat, sys_mkdir, sys_mkdirat, sys_mknod, sys_mknodat, sys_symlink, sys_symlinkat } from '../../fs/create.js';
import { sys_eventfd, sys_eventfd2 } from '../../fs/eventfd.js';
import { sys_epoll_create, sys_epoll_create1, sys_epoll_ctl, sys_epoll_pwait, sys_epoll_pwait2, sys_epoll_wait } from '../../fs/eventpoll.js';
import { sys_execve, sys_execveat } from '../../fs/exec.js';
import { sys_fadvise64, sys_readahead } from '../../fs/fadvise.js';
import { sys_fcntl } from '../../fs/fcntl.js';
import { sys_name_to_handle_at, sys_open_by_handle_at } from '../../fs/fhandle.js';
import { sys_close, sys_close_range, sys_dup, sys_dup2, sys_dup3 } from '../../fs/file-calls.js';
import { sys_flock } from '../../fs/flock.js';
import { sys_fsconfig, sys_fsmount, sys_fsopen, sys_fspick } from '../../fs/fsopen.js';
import { sys_inotify_add_watch, sys_inotify_init, sys_inotify_init1, sys_inotify_rm_watch } from '../../fs/inotify.js';
import { sys_ioctl } from '../../fs/ioctl.js';
import { sys_kcmp } from '../../fs/kcmp.js';
import { sys_memfd_create } from '../../fs/memfd.js';
import { sys_mount, sys_pivot_root, sys_umount2 } from '../../fs/mount-calls.js';
import { sys_mount_setattr, sys_move_mount, sys_open_tree } from '../../fs/move-mount.js';
import { sys_creat, sys_open, sys_openat, sys_openat2 } from '../../fs/open.js';
import { sys_pidfd_getfd, sys_pidfd_open, sys_pidfd_send_signal } from '../../fs/pidfd.js';
import { sys_pipe, sys_pipe2 } from '../../fs/pipe.js';
import { sys_lseek, sys_pread64, sys_preadv, sys_preadv2, sys_pwrite64, sys_pwritev, sys_pwritev2, sys_read, sys_readv, sys_write, sys_writev } from '../../fs/read-write.js';
import { sys_getdents, sys_getdents64 } from '../../fs/readdir.js';
import { sys_rmdir, sys_unlink, sys_unlinkat } from '../../fs/remove.js';
import { sys_rename, sys_renameat, sys_renameat2 } from '../../fs/rename.js';
import { sys_poll, sys_ppoll, sys_pselect6, sys_select } from '../../fs/select.js';
import { sys_signalfd, sys_signalfd4 } from '../../fs/signalfd.js';
import { sys_sendfile, sys_splice, sys_tee, sys_vmsplice } from '../../fs/splice.js';
import { sys_fstat, sys_lstat, sys_newfstatat, sys_readlink, sys_readlinkat, sys_stat, sys_statx } from '../../fs/stat.js';
import { sys_fstatfs, sys_statfs } from '../../fs/statfs.js';
import { sys_fdatasync, sys_fsync, sys_sync, sys_sync_file_range, sys_syncfs } from '../../fs/sync.js';
import { sys_timerfd_create, sys_timerfd_gettime, sys_timerfd_settime } from '../../fs/timerfd.js';
import { sys_fallocate, sys_ftruncate, sys_truncate } from '../../fs/truncate.js';
import { sys_futimesat, sys_utime, sys_utimensat, sys_utimes } from '../../fs/utimes.js';
import { sys_fgetxattr, sys_flistxattr, sys_fremovexattr, sys_fsetxattr, sys_getxattr, sys_lgetxattr, sys_listxattr, sys_llistxattr, sys_lremovexattr, sys_lsetxattr, sys_removexattr, sys_setxattr } from '../../fs/xattr.js';
import { sys_capget, sys_capset } from '../../kernel/capability.js';
import { sys_exit, sys_exit_group } from '../../kernel/exit.js';
import { sys_clone, sys_clone3, sys_fork, sys_set_tid_address, sys_vfork } from '../../kernel/fork.js';
import { sys_futex, sys_futex_waitv } from '../../kernel/futex.js';
import { sys_getgroups, sys_setgroups } from '../../kernel/groups.js';
import { sys_alarm, sys_getitimer, sys_setitimer } from '../../kernel/itimer.js';
import { sys_kill, sys_rt_sigqueueinfo, sys_rt_tgsigqueueinfo, sys_tgkill, sys_tkill } from '../../kernel/kill.js';
import { sys_clock_nanosleep, sys_nanosleep } from '../../kernel/nanosleep.js';
import { sys_setns, sys_unshare } from '../../kernel/nsproxy.js';
import { sys_getpgid, sys_getpgrp, sys_getpid, sys_getppid, sys_getsid, sys_gettid, sys_setpgid, sys_setsid } from '../../kernel/pgid.js';
import { sys_timer_create, sys_timer_delete, sys_timer_getoverrun, sys_timer_gettime, sys_timer_settime } from '../../kernel/posix-timers.js';
import { sys_prctl } from '../../kernel/prctl.js';
import { sys_getpriority, sys_ioprio_get, sys_ioprio_set, sys_setpriority } from '../../kernel/priority.js';
import { sys_reboot } from '../../kernel/reboot.js';
import { sys_getrlimit, sys_prlimit64, sys_setrlimit } from '../../kernel/resource.js';
import { sys_get_robust_list, sys_set_robust_list } from '../../kernel/robust-list.js';
import { sys_getrusage, sys_times } from '../../kernel/rusage.js';
import { sys_getcpu, sys_sched_get_priority_max, sys_sched_get_priority_min, sys_sched_getaffinity, sys_sched_getattr, sys_sched_getparam, sys_sched_getscheduler, sys_sched_rr_get_interval, sys_sched_setaffinity, sys_sched_setattr, sys_sched_setparam, sys_sched_setscheduler, sys_sched_yield } from '../../kernel/sched-calls.js';
import { sys_pause, sys_restart_syscall, sys_rt_sigaction, sys_rt_sigpending, sys_rt_sigprocmask, sys_rt_sigreturn, sys_rt_sigsuspend, sys_rt_sigtimedwait, sys_sigaltstack } from '../../kernel/signal.js';
import { sys__sysctl, sys_acct, sys_add_key, sys_bpf, sys_delete_module, sys_finit_module, sys_init_module, sys_io_uring_enter, sys_io_uring_register, sys_io_uring_setup, sys_ioperm, sys_iopl, sys_kexec_file_load, sys_kexec_load, sys_keyctl, sys_landlock_add_rule, sys_landlock_create_ruleset, sys_landlock_restrict_self, sys_lookup_dcookie, sys_membarrier, sys_modify_ldt, sys_nfsservctl, sys_perf_event_open, sys_request_key, sys_rseq, sys_seccomp, sys_uselib, sys_userfaultfd } from '../../kernel/sys-ni.js';
import { sys_getrandom, sys_personality, sys_sysinfo } from '../../kernel/sys.js';
import { sys_syslog } from '../../kernel/syslog.js';
import { sys_adjtimex, sys_clock_adjtime, sys_clock_getres, sys_clock_gettime, sys_clock_settime, sys_gettimeofday, sys_settimeofday, sys_time } from '../../kernel/time.js';
import { sys_getegid, sys_geteuid, sys_getgid, sys_getresgid, sys_getresuid, sys_getuid, sys_setfsgid, sys_setfsuid, sys_setgid, sys_setregid, sys_setresgid, sys_setresuid, sys_setreuid, sys_setuid } from '../../kernel/uid.js';
import { sys_setdomainname, sys_sethostname, sys_uname } from '../../kernel/utsname.js';
import { sys_wait4, sys_waitid } from '../../kernel/wait4.js';
import { sys_madvise } from '../../mm/madvise.js';
import { sys_get_mempolicy, sys_mbind, sys_migrate_pages, sys_move_pages, sys_set_mempolicy } from '../../mm/mempolicy.js';
import { sys_mincore } from '../../mm/mincore.js';
import { sys_mlock, sys_mlock2, sys_mlockall, sys_munlock, sys_munlockall } from '../../mm/mlock.js';
import { sys_brk, sys_mmap, sys_munmap, sys_remap_file_pages } from '../../mm/mmap.js';
import { sys_mprotect, sys_pkey_alloc, sys_pkey_free, sys_pkey_mprotect } from '../../mm/mprotect.js';
import { sys_mremap } from '../../mm/mremap.js';
import { sys_msync } from '../../mm/msync.js';
import { sys_process_vm_readv, sys_process_vm_writev } from '../../mm/process-vm-access.js';
import { sys_recvfrom, sys_recvmsg, sys_sendmsg, sys_sendto } from '../../net/message-calls.js';
import { sys_recvmmsg, sys_sendmmsg } from '../../net/mmsg-calls.js';
import { sys_getsockopt, sys_setsockopt } from '../../net/option-calls.js';
import { sys_accept, sys_accept4, sys_bind, sys_connect, sys_getpeername, sys_getsockname, sys_listen, sys_shutdown, sys_socket, sys_socketpair } from '../../net/socket-calls.js';

const table: readonly (readonly [number: number, name: string, call: SystemCall])[] = [
  [0, 'read', sys_read],
  [1, 'write', sys_write],
  [2, 'open', sys_open],
  [3, 'close', sys_close],
  [4, 'stat', sys_stat],
  [5, 'fstat', sys_fstat],
  [6, 'lstat', sys_lstat],
  [7, 'poll', sys_poll],
  [8, 'lseek', sys_lseek],
  [9, 'mmap', sys_mmap],
  [10, 'mprotect', sys_mprotect],
  [11, 'munmap', sys_munmap],
  [12, 'brk', sys_brk],
  [13, 'rt_sigaction', sys_rt_sigaction],
  [14, 'rt_sigprocmask', sys_rt_sigprocmask],
  [15, 'rt_sigreturn', sys_rt_sigreturn],
  [16, 'ioctl', sys_ioctl],
  [17, 'pread64', sys_pread64],
  [18, 'pwrite64', sys_pwrite64],
  [19, 'readv', sys_readv],
  [20, 'writev', sys_writev],
  [21, 'access', sys_access],
  [22, 'pipe', sys_pipe],
  [23, 'select', sys_select],
  [24, 'sched_yield', sys_sched_yield],
  [25, 'mremap', sys_mremap],
  [26, 'msync', sys_msync],
  [27, 'mincore', sys_mincore],
  [28, 'madvise', sys_madvise],
  [32, 'dup', sys_dup],
  [33, 'dup2', sys_dup2],
  [34, 'pause', sys_pause],
  [35, 'nanosleep', sys_nanosleep],
  [36, 'getitimer', sys_getitimer],
  [37, 'alarm', sys_alarm],
  [38, 'setitimer', sys_setitimer],
  [39, 'getpid', sys_getpid],
  [40, 'sendfile', sys_sendfile],
  [41, 'socket', sys_socket],
  [42, 'connect', sys_connect],
  [43, 'accept', sys_accept],
  [44, 'sendto', sys_sendto],
  [45, 'recvfrom', sys_recvfrom],
  [46, 'sendmsg', sys_sendmsg],
  [47, 'recvmsg', sys_recvmsg],
  [48, 'shutdown', sys_shutdown],
  [49, 'bind', sys_bind],
  [50, 'listen', sys_listen],
  [51, 'getsockname', sys_getsockname],
  [52, 'getpeername', sys_getpeername],
  [53, 'socketpair', sys_socketpair],
  [54, 'setsockopt', sys_setsockopt],
  [55, 'getsockopt', sys_getsockopt],
  [56, 'clone', sys_clone],
  [57, 'fork', sys_fork],
  [58, 'vfork', sys_vfork],
  [59, 'execve', sys_execve],
  [60, 'exit', sys_exit],
  [61, 'wait4', sys_wait4],
  [62, 'kill', sys_kill],
  [63, 'uname', sys_uname],
  [72, 'fcntl', sys_fcntl],
  [73, 'flock', sys_flock],
  [74, 'fsync', sys_fsync],
  [75, 'fdatasync', sys_fdatasync],
  [76, 'truncate', sys_truncate],
  [77, 'ftruncate', sys_ftruncate],
  [78, 'getdents', sys_getdents],
  [79, 'getcwd', sys_getcwd],
  [80, 'chdir', sys_chdir],
  [81, 'fchdir', sys_fchdir],
  [82, 'rename', sys_rename],
  [83, 'mkdir', sys_mkdir],
  [84, 'rmdir', sys_rmdir],
  [85, 'creat', sys_creat],
  [86, 'link', sys_link],
  [87, 'unlink', sys_unlink],
  [88, 'symlink', sys_symlink],
  [89, 'readlink', sys_readlink],
  [90, 'chmod', sys_chmod],
  [91, 'fchmod', sys_fchmod],
  [92, 'chown', sys_chown],
  [93, 'fchown', sys_fchown],
  [94, 'lchown', sys_lchown],
  [95, 'umask', sys_umask],
  [96, 'gettimeofday', sys_gettimeofday],
  [97, 'getrlimit', sys_getrlimit],
  [98, 'getrusage', sys_getrusage],
  [99, 'sysinfo', sys_sysinfo],
  [100, 'times', sys_times],
  [101, 'ptrace', sys_ptrace],
  [102, 'getuid', sys_getuid],
  [103, 'syslog', sys_syslog],
  [104, 'getgid', sys_getgid],
  [105, 'setuid', sys_setuid],
  [106, 'setgid', sys_setgid],
  [107, 'geteuid', sys_geteuid],
  [108, 'getegid', sys_getegid],
  [109, 'setpgid', sys_setpgid],
  [110, 'getppid', sys_getppid],
  [111, 'getpgrp', sys_getpgrp],
  [112, 'setsid', sys_setsid],
  [113, 'setreuid', sys_setreuid],
  [114, 'setregid', sys_setregid],
  [115, 'getgroups', sys_getgroups],
  [116, 'setgroups', sys_setgroups],
  [117, 'setresuid', sys_setresuid],
  [118, 'getresuid', sys_getresuid],
  [119, 'setresgid', sys_setresgid],
  [120, 'getresgid', sys_getresgid],
  [121, 'getpgid', sys_getpgid],
  [122, 'setfsuid', sys_setfsuid],
  [123, 'setfsgid', sys_setfsgid],
  [124, 'getsid', sys_getsid],
  [125, 'capget', sys_capget],
  [126, 'capset', sys_capset],
  [127, 'rt_sigpending', sys_rt_sigpending],
  [128, 'rt_sigtimedwait', sys_rt_sigtimedwait],
  [129, 'rt_sigqueueinfo', sys_rt_sigqueueinfo],
  [130, 'rt_sigsuspend', sys_rt_sigsuspend],
  [131, 'sigaltstack', sys_sigaltstack],
  [132, 'utime', sys_utime],
  [133, 'mknod', sys_mknod],
  [134, 'uselib', sys_uselib],
  [135, 'personality', sys_personality],
  [137, 'statfs', sys_statfs],
  [138, 'fstatfs', sys_fstatfs],
  [140, 'getpriority', sys_getpriority],
  [141, 'setpriority', sys_setpriority],
  [142, 'sched_setparam', sys_sched_setparam],
  [143, 'sched_getparam', sys_sched_getparam],
  [144, 'sched_setscheduler', sys_sched_setscheduler],
  [145, 'sched_getscheduler', sys_sched_getscheduler],
  [146, 'sched_get_priority_max', sys_sched_get_priority_max],
  [147, 'sched_get_priority_min', sys_sched_get_priority_min],
  [148, 'sched_rr_get_interval', sys_sched_rr_get_interval],
  [149, 'mlock', sys_mlock],
  [150, 'munlock', sys_munlock],
  [151, 'mlockall', sys_mlockall],
  [152, 'munlockall', sys_munlockall],
  [153, 'vhangup', sys_vhangup],
  [154, 'modify_ldt', sys_modify_ldt],
  [155, 'pivot_root', sys_pivot_root],
  [156, '_sysctl', sys__sysctl],
  [157, 'prctl', sys_prctl],
  [158, 'arch_prctl', sys_arch_prctl],
  [159, 'adjtimex', sys_adjtimex],
  [160, 'setrlimit', sys_setrlimit],
  [161, 'chroot', sys_chroot],
  [162, 'sync', sys_sync],
  [163, 'acct', sys_acct],
  [164, 'settimeofday', sys_settimeofday],
  [165, 'mount', sys_mount],
  [166, 'umount2', sys_umount2],
  [169, 'reboot', sys_reboot],
  [170, 'sethostname', sys_sethostname],
  [171, 'setdomainname', sys_setdomainname],
  [172, 'iopl', sys_iopl],
  [173, 'ioperm', sys_ioperm],
  [175, 'init_module', sys_init_module],
  [176, 'delete_module', sys_delete_module],
  [180, 'nfsservctl', sys_nfsservctl],
  [186, 'gettid', sys_gettid],
  [187, 'readahead', sys_readahead],
  [188, 'setxattr', sys_setxattr],
  [189, 'lsetxattr', sys_lsetxattr],
  [190, 'fsetxattr', sys_fsetxattr],
  [191, 'getxattr', sys_getxattr],
  [192, 'lgetxattr', sys_lgetxattr],
  [193, 'fgetxattr', sys_fgetxattr],
  [194, 'listxattr', sys_listxattr],
  [195, 'llistxattr', sys_llistxattr],
  [196, 'flistxattr', sys_flistxattr],
  [197, 'removexattr', sys_removexattr],
  [198, 'lremovexattr', sys_lremovexattr],
  [199, 'fremovexattr', sys_fremovexattr],
  [200, 'tkill', sys_tkill],
  [201, 'time', sys_time],
  [202, 'futex', sys_futex],
  [203, 'sched_setaffinity', sys_sched_setaffinity],
  [204, 'sched_getaffinity', sys_sched_getaffinity],
  [212, 'lookup_dcookie', sys_lookup_dcookie],
  [213, 'epoll_create', sys_epoll_create],
  [216, 'remap_file_pages', sys_remap_file_pages],
  [217, 'getdents64', sys_getdents64],
  [218, 'set_tid_address', sys_set_tid_address],
  [219, 'restart_syscall', sys_restart_syscall],
  [221, 'fadvise64', sys_fadvise64],
  [222, 'timer_create', sys_timer_create],
  [223, 'timer_settime', sys_timer_settime],
  [224, 'timer_gettime', sys_timer_gettime],
  [225, 'timer_getoverrun', sys_timer_getoverrun],
  [226, 'timer_delete', sys_timer_delete],
  [227, 'clock_settime', sys_clock_settime],
  [228, 'clock_gettime', sys_clock_gettime],
  [229, 'clock_getres', sys_clock_getres],
  [230, 'clock_nanosleep', sys_clock_nanosleep],
  [231, 'exit_group', sys_exit_group],
  [232, 'epoll_wait', sys_epoll_wait],
  [233, 'epoll_ctl', sys_epoll_ctl],
  [234, 'tgkill', sys_tgkill],
  [235, 'utimes', sys_utimes],
  [237, 'mbind', sys_mbind],
  [238, 'set_mempolicy', sys_set_mempolicy],
  [239, 'get_mempolicy', sys_get_mempolicy],
  [246, 'kexec_load', sys_kexec_load],
  [247, 'waitid', sys_waitid],
  [248, 'add_key', sys_add_key],
  [249, 'request_key', sys_request_key],
  [250, 'keyctl', sys_keyctl],
  [251, 'ioprio_set', sys_ioprio_set],
  [252, 'ioprio_get', sys_ioprio_get],
  [253, 'inotify_init', sys_inotify_init],
  [254, 'inotify_add_watch', sys_inotify_add_watch],
  [255, 'inotify_rm_watch', sys_inotify_rm_watch],
  [256, 'migrate_pages', sys_migrate_pages],
  [257, 'openat', sys_openat],
  [258, 'mkdirat', sys_mkdirat],
  [259, 'mknodat', sys_mknodat],
  [260, 'fchownat', sys_fchownat],
  [261, 'futimesat', sys_futimesat],
  [262, 'newfstatat', sys_newfstatat],
  [263, 'unlinkat', sys_unlinkat],
  [264, 'renameat', sys_renameat],
  [265, 'linkat', sys_linkat],
  [266, 'symlinkat', sys_symlinkat],
  [267, 'readlinkat', sys_readlinkat],
  [268, 'fchmodat', sys_fchmodat],
  [269, 'faccessat', sys_faccessat],
  [270, 'pselect6', sys_pselect6],
  [271, 'ppoll', sys_ppoll],
  [272, 'unshare', sys_unshare],
  [273, 'set_robust_list', sys_set_robust_list],
  [274, 'get_robust_list', sys_get_robust_list],
  [275, 'splice', sys_splice],
  [276, 'tee', sys_tee],
  [277, 'sync_file_range', sys_sync_file_range],
  [278, 'vmsplice', sys_vmsplice],
  [279, 'move_pages', sys_move_pages],
  [280, 'utimensat', sys_utimensat],
  [281, 'epoll_pwait', sys_epoll_pwait],
  [282, 'signalfd', sys_signalfd],
  [283, 'timerfd_create', sys_timerfd_create],
  [284, 'eventfd', sys_eventfd],
  [285, 'fallocate', sys_fallocate],
  [286, 'timerfd_settime', sys_timerfd_settime],
  [287, 'timerfd_gettime', sys_timerfd_gettime],
  [288, 'accept4', sys_accept4],
  [289, 'signalfd4', sys_signalfd4],
  [290, 'eventfd2', sys_eventfd2],
  [291, 'epoll_create1', sys_epoll_create1],
  [292, 'dup3', sys_dup3],
  [293, 'pipe2', sys_pipe2],
  [294, 'inotify_init1', sys_inotify_init1],
  [295, 'preadv', sys_preadv],
  [296, 'pwritev', sys_pwritev],
  [297, 'rt_tgsigqueueinfo', sys_rt_tgsigqueueinfo],
  [298, 'perf_event_open', sys_perf_event_open],
  [299, 'recvmmsg', sys_recvmmsg],
  [302, 'prlimit64', sys_prlimit64],
  [303, 'name_to_handle_at', sys_name_to_handle_at],
  [304, 'open_by_handle_at', sys_open_by_handle_at],
  [305, 'clock_adjtime', sys_clock_adjtime],
  [306, 'syncfs', sys_syncfs],
  [307, 'sendmmsg', sys_sendmmsg],
  [308, 'setns', sys_setns],
  [309, 'getcpu', sys_getcpu],
  [310, 'process_vm_readv', sys_process_vm_readv],
  [311, 'process_vm_writev', sys_process_vm_writev],
  [312, 'kcmp', sys_kcmp],
  [313, 'finit_module', sys_finit_module],
  [314, 'sched_setattr', sys_sched_setattr],
  [315, 'sched_getattr', sys_sched_getattr],
  [316, 'renameat2', sys_renameat2],
  [317, 'seccomp', sys_seccomp],
  [318, 'getrandom', sys_getrandom],
  [319, 'memfd_create', sys_memfd_create],
  [320, 'kexec_file_load', sys_kexec_file_load],
  [321, 'bpf', sys_bpf],
  [322, 'execveat', sys_execveat],
  [323, 'userfaultfd', sys_userfaultfd],
  [324, 'membarrier', sys_membarrier],
  [325, 'mlock2', sys_mlock2],
  [326, 'copy_file_range', sys_copy_file_range],
  [327, 'preadv2', sys_preadv2],
  [328, 'pwritev2', sys_pwritev2],
  [329, 'pkey_mprotect', sys_pkey_mprotect],
  [330, 'pkey_alloc', sys_pkey_alloc],
  [331, 'pkey_free', sys_pkey_free],
  [332, 'statx', sys_statx],
  [334, 'rseq', sys_rseq],
  [424, 'pidfd_send_signal', sys_pidfd_send_signal],
  [425, 'io_uring_setup', sys_io_uring_setup],
  [426, 'io_uring_enter', sys_io_uring_enter],
  [427, 'io_uring_register', sys_io_uring_register],
  [428, 'open_tree', sys_open_tree],
  [429, 'move_mount', sys_move_mount],
  [430, 'fsopen', sys_fsopen],
  [431, 'fsconfig', sys_fsconfig],
  [432, 'fsmount', sys_fsmount],
  [433, 'fspick', sys_fspick],
  [434, 'pidfd_open', sys_pidfd_open],
  [435, 'clone3', sys_clone3],
  [436, 'close_range', sys_close_range],
  [437, 'openat2', sys_openat2],
  [438, 'pidfd_getfd', sys_pidfd_getfd],
  [439, 'faccessat2', sys_faccessat2],
  [441, 'epoll_pwait2', sys_epoll_pwait2],
  [442, 'mount_setattr', sys_mount_setattr],
  [444, 'landlock_create_ruleset', sys_landlock_create_ruleset],
  [445, 'landlock_add_rule', sys_landlock_add_rule],
  [446, 'landlock_restrict_self', sys_landlock_restrict_self],
  [449, 'futex_waitv', sys_futex_waitv],
  [452, 'fchmodat2', sys_fchmodat2],
];

/** Indexed by number. */
export const syscalls: (SystemCall | undefined)[] = [];
for (const [number, , call] of table) syscalls[number] = call;
