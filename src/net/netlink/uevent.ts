/** NETLINK_KOBJECT_UEVENT: news of devices, for udev. netlink(7). Programs only listen, but for root who passes them on. */
import { EOPNOTSUPP } from '../../uapi/errno.js';
import { NETLINK_KOBJECT_UEVENT } from '../../uapi/netlink.js';
import { NetlinkProtocol } from './protocol.js';

export class UeventProtocol extends NetlinkProtocol {
  override readonly protocol = NETLINK_KOBJECT_UEVENT;
  override readonly groups = 32;

  override request(): never {
    throw EOPNOTSUPP;
  }
}
