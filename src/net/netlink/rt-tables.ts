/** What else `ip` and `tc` ask for: routing rules and queueing disciplines, none of which can be changed. rtnetlink(7) */
import {
  FRA_PRIORITY,
  FRA_SUPPRESS_PREFIXLEN,
  FRA_TABLE,
  FR_ACT_TO_TBL,
  fib_rule_hdr,
  RTM_GETQDISC,
  RTM_GETRULE,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  TCA_KIND,
  tcmsg,
} from '../../uapi/rtnetlink.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../uapi/socket.js';
import { MessageBuilder } from './message.js';
import { queueDiscipline } from './rt-link.js';
import type { RouteRequest } from './rtnetlink.js';

/** Of each kind of message the "new" one, which answers, is two before the "get" one. */
const answerTo = (get: number): number => get - 2;

const TC_H_ROOT = 0xffff_ffff;

/** The order in which tables are looked into. IPv6 has no default table. */
const rules: readonly (readonly [family: number, priority: number, table: number])[] = [
  [AF_INET, 0, RT_TABLE_LOCAL],
  [AF_INET, 32_766, RT_TABLE_MAIN],
  [AF_INET, 32_767, RT_TABLE_DEFAULT],
  [AF_INET6, 0, RT_TABLE_LOCAL],
  [AF_INET6, 32_766, RT_TABLE_MAIN],
];

export function* dumpRules({ message: { payload } }: RouteRequest): IterableIterator<MessageBuilder> {
  for (const [family, priority, table] of rules) {
    if (payload[0] !== AF_UNSPEC && payload[0] !== family) continue;
    const head = fib_rule_hdr.encode({ family, table, action: FR_ACT_TO_TBL });
    const rule = new MessageBuilder(answerTo(RTM_GETRULE), head).u32(FRA_TABLE, table);
    rule.u32(FRA_SUPPRESS_PREFIXLEN, 0xffff_ffff);
    if (priority !== 0) rule.u32(FRA_PRIORITY, priority);
    yield rule;
  }
}

export function* dumpQueueDisciplines({ net }: RouteRequest): IterableIterator<MessageBuilder> {
  for (const device of net.devices) {
    const head = tcmsg.encode({ tcm_ifindex: device.index, tcm_parent: TC_H_ROOT, tcm_info: 2 });
    yield new MessageBuilder(answerTo(RTM_GETQDISC), head).text(TCA_KIND, queueDiscipline(device));
  }
}
