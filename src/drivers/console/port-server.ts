/**
 * Listening sockets that consoles share. Whoever connects gets a device that waits for somebody; when none does they are told
 * so, and wait until one is free.
 */
import { HOST_AT_FDCWD } from '../../host/files.js';
import { type Host, READY_IN, type ReadyListener } from '../../host/host.js';
import { nameToBytes, type Name } from '../../lib/names.js';
import { Connection } from './connection.js';
import { Telnet } from './telnet.js';

/** A device that waits for somebody. */
export interface PortClient {
  connect(connection: Connection): void;
}

/** More than this many are turned away. */
const QUEUE_LIMIT = 64;

const NONE_WAITING = nameToBytes(
  [
    '',
    '****',
    'There are currently no UML consoles waiting for port connections.',
    'Either disconnect from one to make it available or activate some more',
    'by enabling more consoles in the UML /etc/inittab.',
    '****',
    '',
  ].join('\r\n'),
);

export class PortServer implements ReadyListener {
  private readonly clients = new Set<PortClient>();
  private readonly queue = new Set<Connection>();
  private readonly scratch = new Uint8Array(4096);

  constructor(
    private readonly host: Host,
    private readonly listener: number,
    private readonly speaksTelnet: boolean,
    private readonly log: (line: string) => void,
  ) {
    host.events.watch(listener, READY_IN, this);
  }

  /** Gives the client a connection, at once or when somebody comes. */
  await(client: PortClient): void {
    const [first] = this.queue;
    if (first === undefined) {
      this.clients.add(client);
      return;
    }
    this.queue.delete(first);
    this.give(first, client);
  }

  /** The client waits no longer. */
  cancel(client: PortClient): void {
    this.clients.delete(client);
  }

  private give(connection: Connection, client: PortClient): void {
    this.clients.delete(client);
    connection.owner = undefined;
    client.connect(connection);
  }

  hostReady(): void {
    for (;;) {
      const fd = this.host.sockets.accept(this.listener);
      if (fd < 0) return;
      if (this.queue.size >= QUEUE_LIMIT) {
        this.host.files.close(fd);
        continue;
      }
      const connection = new Connection(this.host, fd, this.speaksTelnet ? new Telnet() : undefined);
      const [client] = this.clients;
      if (client === undefined) this.enqueue(connection);
      else this.give(connection, client);
    }
  }

  /** Nobody is free. What is typed meanwhile is not kept; who leaves makes room. */
  private enqueue(connection: Connection): void {
    this.log('No one waiting for port');
    this.queue.add(connection);
    connection.owner = {
      readable: () => {
        if (connection.read(this.scratch) >= 0) return;
        this.queue.delete(connection);
        connection.close();
      },
      writable: () => {},
      resized: () => {},
    };
    connection.write(NONE_WAITING);
    connection.wantInput(true);
  }

  close(): void {
    this.host.events.watch(this.listener, 0, this);
    this.host.files.close(this.listener);
    for (const connection of this.queue) connection.close();
    this.queue.clear();
  }
}

export class PortServers {
  private readonly ports = new Map<number, PortServer>();
  private readonly sockets = new Map<Name, PortServer>();

  constructor(
    private readonly host: Host,
    private readonly log: (line: string) => void,
  ) {}

  /** The telnet server on a port; a negated errno when there can be none. */
  port(port: number): PortServer | number {
    const known = this.ports.get(port);
    if (known !== undefined) return known;
    const listener = this.host.sockets.listenTcp(port);
    if (listener < 0) return listener;
    const server = new PortServer(this.host, listener, true, this.log);
    this.ports.set(port, server);
    return server;
  }

  /** The server at a name in the host's file system; a negated errno when there can be none. */
  unix(path: Name): PortServer | number {
    const known = this.sockets.get(path);
    if (known !== undefined) return known;
    const listener = this.host.sockets.listenUnix(path);
    if (listener < 0) return listener;
    const server = new PortServer(this.host, listener, false, this.log);
    this.sockets.set(path, server);
    return server;
  }

  close(): void {
    for (const server of [...this.ports.values(), ...this.sockets.values()]) server.close();
    for (const path of this.sockets.keys()) this.host.files.unlink(HOST_AT_FDCWD, path, 0);
  }
}
