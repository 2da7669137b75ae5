/** The addresses of network devices: rtnetlink(7) RTM_NEWADDR, netdevice(7) SIOCSIFADDR. */
import type { Name } from '../lib/names.js';
import { ipFamily, type IpAddress } from './ip-address.js';

export interface InterfaceAddress {
  readonly address: IpAddress;
  readonly prefixLength: number;
  /** The other end of a point-to-point link; otherwise the address itself. */
  readonly peer: IpAddress;
  readonly broadcast: IpAddress | undefined;
  /** RT_SCOPE_* */
  readonly scope: number;
  /** IFA_F_* */
  readonly flags: number;
  /** IPv4: the device's name, perhaps with ':' and more. */
  readonly label: Name;
  /** Seconds that it stays preferred and valid from `changed` on; Infinity for ever. */
  readonly preferredFor: number;
  readonly validFor: number;
  /** When it was made and last changed, in kernel time. */
  readonly made: number;
  readonly changed: number;
}

export const addressFamily = ({ address }: InterfaceAddress): number => ipFamily(address);
