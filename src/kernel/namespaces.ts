/** The namespaces that a task lives in: namespaces(7). One each for the whole machine so far, but for mounts and host names. */
import type { MountNamespace } from '../fs/namespace.js';
import type { Name } from '../lib/names.js';

/** uts_namespaces(7). */
export class UtsNamespace {
  nodename: Name = '(none)';
  domainname: Name = '(none)';
}

export interface Namespaces {
  readonly uts: UtsNamespace;
  readonly mount: MountNamespace;
}
