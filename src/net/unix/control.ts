/** Control messages of unix sockets: what a sender attaches, and how a receiver gets it. unix(7). */
import type { File } from '../../fs/file.js';
import type { Result } from '../../kernel/syscall.js';
import type { Task } from '../../kernel/task.js';
import { SO_PASSCRED } from '../../uapi/socket.js';
import type { ReceiveRequest, SendRequest } from '../message.js';
import { passCredentials, passFiles, readControl, senderOf, type SenderCredentials } from '../scm.js';
import type { InFlight, PassedFiles } from './in-flight.js';
import type { UnixSocket } from './unix-socket.js';

/** What is sent along with the data. The files belong to it until they are queued. */
export class Attachment {
  constructor(
    /** What the sender says of itself; undefined when it says nothing. */
    readonly claimed: SenderCredentials | undefined,
    private files: PassedFiles | undefined,
  ) {}

  /** The files, for the first message that is queued. They are in flight from now on. */
  queueFiles(inFlight: InFlight): PassedFiles | undefined {
    const { files } = this;
    if (files === undefined) return undefined;
    this.files = undefined;
    inFlight.add(files);
    return files;
  }

  hasFiles(): boolean {
    return this.files !== undefined;
  }

  /** Lets go of files that were not sent after all. */
  release(inFlight: InFlight): void {
    const { files } = this;
    this.files = undefined;
    if (files !== undefined) inFlight.drop(files.files);
  }
}

const nothing = new Attachment(undefined, undefined);

/** Sends with what the control messages of a request ask for; files that `send` did not queue are let go. */
export function withAttachment(
  task: Task,
  { unix: { inFlight } }: UnixSocket,
  { control }: SendRequest,
  send: (attachment: Attachment) => Result,
): Result {
  if (control === undefined) return send(nothing);
  const { credentials, files } = readControl(task, control, true);
  const attachment = new Attachment(credentials, files && { files, uid: task.credentials.uid });
  let result: Result;
  try {
    if (files !== undefined) inFlight.check(task);
    result = send(attachment);
  } catch (error) {
    attachment.release(inFlight);
    throw error;
  }
  if (typeof result === 'number') {
    attachment.release(inFlight);
    return result;
  }
  return result.finally(() => attachment.release(inFlight));
}

/** Who a message is from: noted only if one of the two sockets wants it, or if it is not known yet who will receive it. */
export function senderFor(
  task: Task,
  from: UnixSocket,
  to: UnixSocket,
  { claimed }: Attachment,
): SenderCredentials | undefined {
  if (claimed !== undefined) return claimed;
  const wanted = from.options.has(SO_PASSCRED) || to.options.has(SO_PASSCRED) || to.file === undefined;
  return wanted ? senderOf(task) : undefined;
}

/** Hands a message's sender and files over. Files that came out of the queue are the receiver's to drop; peeked ones stay. */
export function passControl(
  task: Task,
  socket: UnixSocket,
  request: ReceiveRequest,
  sender: SenderCredentials | undefined,
  files: readonly File[] | undefined,
): void {
  if (socket.options.has(SO_PASSCRED)) passCredentials(request, sender);
  if (files !== undefined) passFiles(task, request, files);
}
