/** What answers on a netlink socket: one for each NETLINK_* number. netlink(7) */
import type { Task } from '../../kernel/task.js';
import type { Errno } from '../../uapi/errno.js';
import type { MessageBuilder, NetlinkMessage } from './message.js';
import type { NetlinkSocket } from './netlink-socket.js';

/** What a request is answered by, besides an acknowledgement. */
export interface NetlinkReply {
  /** One message, or the parts of a dump. Those of a dump are asked for as the program receives them. */
  readonly messages: Iterable<MessageBuilder>;
  readonly dump: boolean;
}

export abstract class NetlinkProtocol {
  /** NETLINK_* */
  abstract readonly protocol: number;
  /** Multicast groups. */
  abstract readonly groups: number;
  /** Anybody may join the groups. */
  readonly openGroups: boolean = true;

  /** A request of a program. Throws what the acknowledgement is to tell. */
  abstract request(task: Task, socket: NetlinkSocket, message: NetlinkMessage): NetlinkReply | undefined;
}

/** The error of a request as an acknowledgement tells it. */
export const errorNumber = (error: Errno | undefined): number => (error === undefined ? 0 : -error.number);
