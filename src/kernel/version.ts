/**
 * What Linux this is: uname(2), /proc/version, the first line of the log. Programs compare the release with what they need
 * (the C library: at least 3.2; systemd: 4.15), so it is that of the Linux whose interface is offered.
 */
export const UTS_SYSNAME = 'Linux';
export const UTS_RELEASE = '6.1.0-uml-ts';
export const UTS_VERSION = '#1 SMP PREEMPT_DYNAMIC';

/** The first line of the kernel log and, with another format of the date, /proc/version. */
export const linuxBanner = `Linux version ${UTS_RELEASE} (uml@typescript) (TypeScript, Node.js) ${UTS_VERSION}`;
