/** When a message came: SO_TIMESTAMP, SO_TIMESTAMPNS. socket(7). */
import type { TimeSpec } from '../host/host.js';
import type { Task } from '../kernel/task.js';
import { SCM_TIMESTAMP, SCM_TIMESTAMPNS, SOL_SOCKET } from '../uapi/socket.js';
import { timespec, timeval } from '../uapi/time.js';
import type { ReceiveRequest } from './message.js';
import type { Socket } from './socket.js';

/** Tells the receiver, if it asked. A message that came before it did gets the present time. */
export function passTimestamp(
  task: Task,
  { options }: Socket,
  request: ReceiveRequest,
  time: TimeSpec | undefined,
): void {
  if (options.timestamp === 'off' || request.control === undefined) return;
  const { sec, nsec } = time ?? task.kernel.host.clock.read(0);
  if (options.timestamp === 'ns')
    request.control.put(
      request,
      SOL_SOCKET,
      SCM_TIMESTAMPNS,
      timespec.encode({ tv_sec: sec, tv_nsec: nsec }),
    );
  else {
    const value = timeval.encode({ tv_sec: sec, tv_usec: Math.floor(nsec / 1000) });
    request.control.put(request, SOL_SOCKET, SCM_TIMESTAMP, value);
  }
}
