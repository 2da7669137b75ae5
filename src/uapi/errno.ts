/**
 * Error numbers: errno(3). Each is one shared object, thrown bare and caught where a system call ends; it is no Error,
 * since collecting a stack for an everyday ENOENT would cost more than the call.
 */

export class Errno {
  readonly number: number;
  readonly name: string;
  readonly message: string;

  constructor(number: number, name: string, message: string) {
    this.number = number;
    this.name = name;
    this.message = message;
  }

  toString(): string {
    return `${this.name}: ${this.message}`;
  }
}

export const EPERM = new Errno(1, 'EPERM', 'Operation not permitted');
export const ENOENT = new Errno(2, 'ENOENT', 'No such file or directory');
export const ESRCH = new Errno(3, 'ESRCH', 'No such process');
export const EINTR = new Errno(4, 'EINTR', 'Interrupted system call');
export const EIO = new Errno(5, 'EIO', 'Input/output error');
export const ENXIO = new Errno(6, 'ENXIO', 'No such device or address');
export const E2BIG = new Errno(7, 'E2BIG', 'Argument list too long');
export const ENOEXEC = new Errno(8, 'ENOEXEC', 'Exec format error');
export const EBADF = new Errno(9, 'EBADF', 'Bad file descriptor');
export const ECHILD = new Errno(10, 'ECHILD', 'No child processes');
export const EAGAIN = new Errno(11, 'EAGAIN', 'Resource temporarily unavailable');
export const ENOMEM = new Errno(12, 'ENOMEM', 'Cannot allocate memory');
export const EACCES = new Errno(13, 'EACCES', 'Permission denied');
export const EFAULT = new Errno(14, 'EFAULT', 'Bad address');
export const ENOTBLK = new Errno(15, 'ENOTBLK', 'Block device required');
export const EBUSY = new Errno(16, 'EBUSY', 'Device or resource busy');
export const EEXIST = new Errno(17, 'EEXIST', 'File exists');
export const EXDEV = new Errno(18, 'EXDEV', 'Invalid cross-device link');
export const ENODEV = new Errno(19, 'ENODEV', 'No such device');
export const ENOTDIR = new Errno(20, 'ENOTDIR', 'Not a directory');
export const EISDIR = new Errno(21, 'EISDIR', 'Is a directory');
export const EINVAL = new Errno(22, 'EINVAL', 'Invalid argument');
export const ENFILE = new Errno(23, 'ENFILE', 'Too many open files in system');
export const EMFILE = new Errno(24, 'EMFILE', 'Too many open files');
export const ENOTTY = new Errno(25, 'ENOTTY', 'Inappropriate ioctl for device');
export const ETXTBSY = new Errno(26, 'ETXTBSY', 'Text file busy');
export const EFBIG = new Errno(27, 'EFBIG', 'File too large');
export const ENOSPC = new Errno(28, 'ENOSPC', 'No space left on device');
export const ESPIPE = new Errno(29, 'ESPIPE', 'Illegal seek');
export const EROFS = new Errno(30, 'EROFS', 'Read-only file system');
export const EMLINK = new Errno(31, 'EMLINK', 'Too many links');
export const EPIPE = new Errno(32, 'EPIPE', 'Broken pipe');
export const EDOM = new Errno(33, 'EDOM', 'Numerical argument out of domain');
export const ERANGE = new Errno(34, 'ERANGE', 'Numerical result out of range');
export const EDEADLK = new Errno(35, 'EDEADLK', 'Resource deadlock avoided');
export const ENAMETOOLONG = new Errno(36, 'ENAMETOOLONG', 'File name too long');
export const ENOLCK = new Errno(37, 'ENOLCK', 'No locks available');
export const ENOSYS = new Errno(38, 'ENOSYS', 'Function not implemented');
export const ENOTEMPTY = new Errno(39, 'ENOTEMPTY', 'Directory not empty');
export const ELOOP = new Errno(40, 'ELOOP', 'Too many levels of symbolic links');
export const ENOMSG = new Errno(42, 'ENOMSG', 'No message of desired type');
export const EIDRM = new Errno(43, 'EIDRM', 'Identifier removed');
export const ECHRNG = new Errno(44, 'ECHRNG', 'Channel number out of range');
export const EL2NSYNC = new Errno(45, 'EL2NSYNC', 'Level 2 not synchronized');
export const EL3HLT = new Errno(46, 'EL3HLT', 'Level 3 halted');
export const EL3RST = new Errno(47, 'EL3RST', 'Level 3 reset');
export const ELNRNG = new Errno(48, 'ELNRNG', 'Link number out of range');
export const EUNATCH = new Errno(49, 'EUNATCH', 'Protocol driver not attached');
export const ENOCSI = new Errno(50, 'ENOCSI', 'No CSI structure available');
export const EL2HLT = new Errno(51, 'EL2HLT', 'Level 2 halted');
export const EBADE = new Errno(52, 'EBADE', 'Invalid exchange');
export const EBADR = new Errno(53, 'EBADR', 'Invalid request descriptor');
export const EXFULL = new Errno(54, 'EXFULL', 'Exchange full');
export const ENOANO = new Errno(55, 'ENOANO', 'No anode');
export const EBADRQC = new Errno(56, 'EBADRQC', 'Invalid request code');
export const EBADSLT = new Errno(57, 'EBADSLT', 'Invalid slot');
export const EBFONT = new Errno(59, 'EBFONT', 'Bad font file format');
export const ENOSTR = new Errno(60, 'ENOSTR', 'Device not a stream');
export const ENODATA = new Errno(61, 'ENODATA', 'No data available');
export const ETIME = new Errno(62, 'ETIME', 'Timer expired');
export const ENOSR = new Errno(63, 'ENOSR', 'Out of streams resources');
export const ENONET = new Errno(64, 'ENONET', 'Machine is not on the network');
export const ENOPKG = new Errno(65, 'ENOPKG', 'Package not installed');
export const EREMOTE = new Errno(66, 'EREMOTE', 'Object is remote');
export const ENOLINK = new Errno(67, 'ENOLINK', 'Link has been severed');
export const EADV = new Errno(68, 'EADV', 'Advertise error');
export const ESRMNT = new Errno(69, 'ESRMNT', 'Srmount error');
export const ECOMM = new Errno(70, 'ECOMM', 'Communication error on send');
export const EPROTO = new Errno(71, 'EPROTO', 'Protocol error');
export const EMULTIHOP = new Errno(72, 'EMULTIHOP', 'Multihop attempted');
export const EDOTDOT = new Errno(73, 'EDOTDOT', 'RFS specific error');
export const EBADMSG = new Errno(74, 'EBADMSG', 'Bad message');
export const EOVERFLOW = new Errno(75, 'EOVERFLOW', 'Value too large for defined data type');
export const ENOTUNIQ = new Errno(76, 'ENOTUNIQ', 'Name not unique on network');
export const EBADFD = new Errno(77, 'EBADFD', 'File descriptor in bad state');
export const EREMCHG = new Errno(78, 'EREMCHG', 'Remote address changed');
export const ELIBACC = new Errno(79, 'ELIBACC', 'Can not access a needed shared library');
export const ELIBBAD = new Errno(80, 'ELIBBAD', 'Accessing a corrupted shared library');
export const ELIBSCN = new Errno(81, 'ELIBSCN', '.lib section in a.out corrupted');
export const ELIBMAX = new Errno(82, 'ELIBMAX', 'Attempting to link in too many shared libraries');
export const ELIBEXEC = new Errno(83, 'ELIBEXEC', 'Cannot exec a shared library directly');
export const EILSEQ = new Errno(84, 'EILSEQ', 'Invalid or incomplete multibyte or wide character');
export const ERESTART = new Errno(85, 'ERESTART', 'Interrupted system call should be restarted');
export const ESTRPIPE = new Errno(86, 'ESTRPIPE', 'Streams pipe error');
export const EUSERS = new Errno(87, 'EUSERS', 'Too many users');
export const ENOTSOCK = new Errno(88, 'ENOTSOCK', 'Socket operation on non-socket');
export const EDESTADDRREQ = new Errno(89, 'EDESTADDRREQ', 'Destination address required');
export const EMSGSIZE = new Errno(90, 'EMSGSIZE', 'Message too long');
export const EPROTOTYPE = new Errno(91, 'EPROTOTYPE', 'Protocol wrong type for socket');
export const ENOPROTOOPT = new Errno(92, 'ENOPROTOOPT', 'Protocol not available');
export const EPROTONOSUPPORT = new Errno(93, 'EPROTONOSUPPORT', 'Protocol not supported');
export const ESOCKTNOSUPPORT = new Errno(94, 'ESOCKTNOSUPPORT', 'Socket type not supported');
export const EOPNOTSUPP = new Errno(95, 'EOPNOTSUPP', 'Operation not supported');
export const EPFNOSUPPORT = new Errno(96, 'EPFNOSUPPORT', 'Protocol family not supported');
export const EAFNOSUPPORT = new Errno(97, 'EAFNOSUPPORT', 'Address family not supported by protocol');
export const EADDRINUSE = new Errno(98, 'EADDRINUSE', 'Address already in use');
export const EADDRNOTAVAIL = new Errno(99, 'EADDRNOTAVAIL', 'Cannot assign requested address');
export const ENETDOWN = new Errno(100, 'ENETDOWN', 'Network is down');
export const ENETUNREACH = new Errno(101, 'ENETUNREACH', 'Network is unreachable');
export const ENETRESET = new Errno(102, 'ENETRESET', 'Network dropped connection on reset');
export const ECONNABORTED = new Errno(103, 'ECONNABORTED', 'Software caused connection abort');
export const ECONNRESET = new Errno(104, 'ECONNRESET', 'Connection reset by peer');
export const ENOBUFS = new Errno(105, 'ENOBUFS', 'No buffer space available');
export const EISCONN = new Errno(106, 'EISCONN', 'Transport endpoint is already connected');
export const ENOTCONN = new Errno(107, 'ENOTCONN', 'Transport endpoint is not connected');
export const ESHUTDOWN = new Errno(108, 'ESHUTDOWN', 'Cannot send after transport endpoint shutdown');
export const ETOOMANYREFS = new Errno(109, 'ETOOMANYREFS', 'Too many references: cannot splice');
export const ETIMEDOUT = new Errno(110, 'ETIMEDOUT', 'Connection timed out');
export const ECONNREFUSED = new Errno(111, 'ECONNREFUSED', 'Connection refused');
export const EHOSTDOWN = new Errno(112, 'EHOSTDOWN', 'Host is down');
export const EHOSTUNREACH = new Errno(113, 'EHOSTUNREACH', 'No route to host');
export const EALREADY = new Errno(114, 'EALREADY', 'Operation already in progress');
export const EINPROGRESS = new Errno(115, 'EINPROGRESS', 'Operation now in progress');
export const ESTALE = new Errno(116, 'ESTALE', 'Stale file handle');
export const EUCLEAN = new Errno(117, 'EUCLEAN', 'Structure needs cleaning');
export const ENOTNAM = new Errno(118, 'ENOTNAM', 'Not a XENIX named type file');
export const ENAVAIL = new Errno(119, 'ENAVAIL', 'No XENIX semaphores available');
export const EISNAM = new Errno(120, 'EISNAM', 'Is a named type file');
export const EREMOTEIO = new Errno(121, 'EREMOTEIO', 'Remote I/O error');
export const EDQUOT = new Errno(122, 'EDQUOT', 'Disk quota exceeded');
export const ENOMEDIUM = new Errno(123, 'ENOMEDIUM', 'No medium found');
export const EMEDIUMTYPE = new Errno(124, 'EMEDIUMTYPE', 'Wrong medium type');
export const ECANCELED = new Errno(125, 'ECANCELED', 'Operation canceled');
export const ENOKEY = new Errno(126, 'ENOKEY', 'Required key not available');
export const EKEYEXPIRED = new Errno(127, 'EKEYEXPIRED', 'Key has expired');
export const EKEYREVOKED = new Errno(128, 'EKEYREVOKED', 'Key has been revoked');
export const EKEYREJECTED = new Errno(129, 'EKEYREJECTED', 'Key was rejected by service');
export const EOWNERDEAD = new Errno(130, 'EOWNERDEAD', 'Owner died');
export const ENOTRECOVERABLE = new Errno(131, 'ENOTRECOVERABLE', 'State not recoverable');
export const ERFKILL = new Errno(132, 'ERFKILL', 'Operation not possible due to RF-kill');
export const EHWPOISON = new Errno(133, 'EHWPOISON', 'Memory page has hardware error');

export const EWOULDBLOCK = EAGAIN;
export const EDEADLOCK = EDEADLK;

// Inside the kernel only; signal delivery and ioctl dispatch turn them into something else.

/** Interrupted: restart the call if the handler has SA_RESTART, else EINTR. */
export const ERESTARTSYS = new Errno(512, 'ERESTARTSYS', 'To be restarted if SA_RESTART is set');
/** Interrupted: always restart the call. */
export const ERESTARTNOINTR = new Errno(513, 'ERESTARTNOINTR', 'To be restarted');
/** Interrupted: restart the call if no handler runs, else EINTR. */
export const ERESTARTNOHAND = new Errno(514, 'ERESTARTNOHAND', 'To be restarted if no handler');
/** Not an ioctl of this driver: the next layer may know it; ENOTTY in the end. */
export const ENOIOCTLCMD = new Errno(515, 'ENOIOCTLCMD', 'No ioctl command');
/** Interrupted: restart through restart_syscall(2), which knows how much time is left. */
export const ERESTART_RESTARTBLOCK = new Errno(516, 'ERESTART_RESTARTBLOCK', 'Interrupted by signal');

/** Every error that user space can see, in order. */
const visible: readonly Errno[] = [
  EPERM,
  ENOENT,
  ESRCH,
  EINTR,
  EIO,
  ENXIO,
  E2BIG,
  ENOEXEC,
  EBADF,
  ECHILD,
  EAGAIN,
  ENOMEM,
  EACCES,
  EFAULT,
  ENOTBLK,
  EBUSY,
  EEXIST,
  EXDEV,
  ENODEV,
  ENOTDIR,
  EISDIR,
  EINVAL,
  ENFILE,
  EMFILE,
  ENOTTY,
  ETXTBSY,
  EFBIG,
  ENOSPC,
  ESPIPE,
  EROFS,
  EMLINK,
  EPIPE,
  EDOM,
  ERANGE,
  EDEADLK,
  ENAMETOOLONG,
  ENOLCK,
  ENOSYS,
  ENOTEMPTY,
  ELOOP,
  ENOMSG,
  EIDRM,
  ECHRNG,
  EL2NSYNC,
  EL3HLT,
  EL3RST,
  ELNRNG,
  EUNATCH,
  ENOCSI,
  EL2HLT,
  EBADE,
  EBADR,
  EXFULL,
  ENOANO,
  EBADRQC,
  EBADSLT,
  EBFONT,
  ENOSTR,
  ENODATA,
  ETIME,
  ENOSR,
  ENONET,
  ENOPKG,
  EREMOTE,
  ENOLINK,
  EADV,
  ESRMNT,
  ECOMM,
  EPROTO,
  EMULTIHOP,
  EDOTDOT,
  EBADMSG,
  EOVERFLOW,
  ENOTUNIQ,
  EBADFD,
  EREMCHG,
  ELIBACC,
  ELIBBAD,
  ELIBSCN,
  ELIBMAX,
  ELIBEXEC,
  EILSEQ,
  ERESTART,
  ESTRPIPE,
  EUSERS,
  ENOTSOCK,
  EDESTADDRREQ,
  EMSGSIZE,
  EPROTOTYPE,
  ENOPROTOOPT,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  EOPNOTSUPP,
  EPFNOSUPPORT,
  EAFNOSUPPORT,
  EADDRINUSE,
  EADDRNOTAVAIL,
  ENETDOWN,
  ENETUNREACH,
  ENETRESET,
  ECONNABORTED,
  ECONNRESET,
  ENOBUFS,
  EISCONN,
  ENOTCONN,
  ESHUTDOWN,
  ETOOMANYREFS,
  ETIMEDOUT,
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EALREADY,
  EINPROGRESS,
  ESTALE,
  EUCLEAN,
  ENOTNAM,
  ENAVAIL,
  EISNAM,
  EREMOTEIO,
  EDQUOT,
  ENOMEDIUM,
  EMEDIUMTYPE,
  ECANCELED,
  ENOKEY,
  EKEYEXPIRED,
  EKEYREVOKED,
  EKEYREJECTED,
  EOWNERDEAD,
  ENOTRECOVERABLE,
  ERFKILL,
  EHWPOISON,
];

/** The constant of each number, those of the kernel's own included. */
const byNumber: readonly (Errno | undefined)[] = makeTable();

function makeTable(): (Errno | undefined)[] {
  const table: (Errno | undefined)[] = Array.from({ length: 517 }, () => undefined);
  const internal = [ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ENOIOCTLCMD, ERESTART_RESTARTBLOCK];
  for (const errno of [...visible, ...internal]) table[errno.number] = errno;
  return table;
}

/** The error with this number; the host may know some that we don't. */
export function errnoOf(number: number): Errno {
  return byNumber[number] ?? new Errno(number, `errno ${number}`, `Unknown error ${number}`);
}

/** The result of a host call, which is zero or more, or a negated error number: that is thrown. */
export function check(result: number): number {
  if (result < 0) throw errnoOf(-result);
  return result;
}
