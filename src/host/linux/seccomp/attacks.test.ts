/**
 * What hostile guest code can do to the stub, and that it does not help: it traps, faults or ends its own process, and the
 * kernel and other processes go on. A bystander runs beside every attack.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type CpuContext,
  EFLAGS,
  HOST_EXEC,
  HOST_READ,
  HOST_WRITE,
  type HostSpace,
  R10,
  R8,
  R9,
  RAX,
  RBX,
  RDI,
  RDX,
  RIP,
  RSI,
  RSP,
  TRAP_DIED,
  TRAP_EXCEPTION,
  TRAP_FOREIGN_SYSCALL,
  TRAP_PAGE_FAULT,
  TRAP_SYSCALL,
} from '../../cpu.js';
import { type Assembler, at, eax, ecx, rax, rbx, rcx, rdi, rsi, rsp } from './assembler.js';
import {
  CODE_PAGE,
  COMMAND_PAGE,
  FRAME_FPU,
  FRAME_GREGS,
  FRAME_MASK,
  MAILBOX_FRAME,
  MAILBOX_STATE,
  SHARED_PAGE,
  SLOTS,
  START_PAGE,
  STATE_SLEEPING,
  STATE_TRAPPED,
} from './layout.js';
import { assembleStub } from './stub.js';
import {
  NR_clone,
  NR_exit,
  NR_exit_group,
  NR_futex,
  NR_lseek,
  NR_mmap,
  NR_mprotect,
  NR_rt_sigreturn,
  NR_write,
  SIGBUS,
  SIGTRAP,
} from './system-calls.js';
import { CODE, DATA, DATA_PHYSICAL, getRegister, setRegister, STACK_TOP, TestMachine } from './testing.js';

let machine: TestMachine;
let bystander: CpuContext;
beforeAll(() => {
  machine = new TestMachine();
});
afterAll(() => machine.close());

beforeEach(() => {
  bystander = machine.start((a) => a.label('loop').mov(eax, 1).syscall().jmp('loop'));
  machine.trap();
});
afterEach(() => {
  bystander.resume();
  expect(machine.trap() === bystander).toBe(true);
  expect(bystander.trap).toBe(TRAP_SYSCALL);
  bystander.space.destroy();
});

const slotSize = (): number => machine.platform.pages.slotSize;

/** The stub as guest code sees it: the addresses of all its system call instructions. */
function systemCallSites(): number[] {
  const stub = assembleStub({
    slotSize: slotSize(),
    parentPid: process.pid,
    secret: { fourth: 1, fifth: 2 },
  });
  const sites: number[] = [];
  for (let offset = 0; offset < 4096; offset++) {
    if (stub.image[offset] === 0x0f && stub.image[offset + 1] === 0x05) sites.push(CODE_PAGE + offset);
  }
  return sites;
}

const sites = () =>
  assembleStub({ slotSize: slotSize(), parentPid: process.pid, secret: { fourth: 1, fifth: 2 } }).sites;

/** Starts a context that jumps to an address with the given registers. */
function jump(space: HostSpace, to: number, registers: readonly (readonly [number, number])[]): CpuContext {
  const context = machine.context(space, to);
  for (const [register, value] of registers) setRegister(context, register, value);
  context.resume();
  return context;
}

describe("jumping to the stub's system call instructions", () => {
  const hostile: readonly (readonly [string, number, readonly (readonly [number, number])[]])[] = [
    [
      'mmap',
      NR_mmap,
      [
        [RDI, 0x50_0000],
        [RSI, 4096],
        [RDX, 7],
        [R10, 0x11],
        [R8, 0],
        [R9, 0],
      ],
    ],
    [
      'mprotect',
      NR_mprotect,
      [
        [RDI, CODE_PAGE],
        [RSI, 4096],
        [RDX, 7],
      ],
    ],
    [
      'clone',
      NR_clone,
      [
        [RDI, 0x11],
        [RSI, 0],
      ],
    ],
    [
      'lseek of the results',
      NR_lseek,
      [
        [RDI, 3],
        [RSI, 0],
        [RDX, 0],
      ],
    ],
    ['close of a descriptor', 3, [[RDI, 4]]],
    [
      'write to another descriptor',
      NR_write,
      [
        [RDI, 1],
        [RSI, DATA],
        [RDX, 8],
      ],
    ],
    [
      'write of another length',
      NR_write,
      [
        [RDI, 4],
        [RSI, CODE_PAGE],
        [RDX, 16],
      ],
    ],
    [
      'futex wake',
      NR_futex,
      [
        [RDI, SLOTS],
        [RSI, 1],
        [RDX, 1],
      ],
    ],
    [
      'futex with a timeout',
      NR_futex,
      [
        [RDI, SLOTS],
        [RSI, 0],
        [R10, DATA],
      ],
    ],
    [
      'futex on guest memory',
      NR_futex,
      [
        [RDI, DATA],
        [RSI, 0],
      ],
    ],
    [
      'kill',
      62,
      [
        [RDI, 1],
        [RSI, 9],
      ],
    ],
    ['open', 2, [[RDI, DATA]]],
    ['exit_group', NR_exit_group, [[RDI, 0]]],
    ['an x32 call', 0x4000_0000 + NR_write, [[RDI, 4]]],
  ];
  test.each(hostile)('%s traps at every one of them', (_name, nr, registers) => {
    const all = systemCallSites();
    expect(all.length).toBeGreaterThan(8);
    const space = machine.space((a) => a.nop());
    for (const site of all) {
      const context = jump(space, site, [[RAX, nr], ...registers]);
      expect(machine.trap() === context).toBe(true);
      expect(context.trap).toBe(TRAP_SYSCALL);
      expect(context.syscallNumber).toBe(nr);
      expect(getRegister(context, RIP)).toBe(site + 2);
      context.destroy();
    }
    space.destroy();
  });

  test('a wrong secret is not enough', () => {
    const space = machine.space((a) => a.nop());
    const { commandStart, commandEnd } = sites();
    const privileged = systemCallSites().filter((site) => site >= commandStart && site < commandEnd);
    expect(privileged.length).toBeGreaterThan(4);
    for (let guess = 0; guess < 200; guess++) {
      const context = machine.context(space, privileged[guess % privileged.length]);
      setRegister(context, RAX, NR_mmap);
      context.gregs[2 * R10 + 1] = Math.imul(guess, 0x0101_0101);
      context.gregs[2 * R8 + 1] = guess;
      context.resume();
      machine.trap();
      expect([context.trap, context.syscallNumber]).toEqual([TRAP_SYSCALL, NR_mmap]);
      context.destroy();
    }
    space.destroy();
  });

  test('a command batch in guest memory runs into the filter', () => {
    const space = machine.space((a) => a.nop());
    const entry = new BigUint64Array(machine.memory.chunks[0].buffer, DATA_PHYSICAL + 64, 8);
    entry.set([BigInt(NR_mmap), 0x50_0000n, 4096n, 7n, 0x11n, 0n, 0n, 1n]);
    const context = machine.context(space, sites().commandStart);
    setRegister(context, 5, DATA); // r13
    context.resume();
    machine.trap();
    expect([context.trap, context.syscallNumber]).toEqual([TRAP_SYSCALL, NR_mmap]);
    space.destroy();
  });

  test('a thread that ends itself is found out when it is interrupted', () => {
    const space = machine.space((a) => a.nop());
    const context = jump(space, sites().exit - 2, [[RAX, NR_exit]]);
    expect(machine.next(20)).toBeUndefined();
    context.interrupt();
    expect(machine.trap() === context).toBe(true);
    expect(context.trap).toBe(TRAP_DIED);
    space.destroy();
  });

  test('a thread that waits for ever is found out when it is interrupted', () => {
    const space = machine.space((a) => a.nop());
    const context = jump(space, sites().wait - 2, [
      [RAX, NR_futex],
      [RDI, SLOTS + 64],
      [RSI, 0],
      [RDX, 0],
    ]);
    expect(machine.next(20)).toBeUndefined();
    context.interrupt();
    // The wait ends with the signal, and the jump leads on into the handler's code without a frame.
    machine.trap();
    space.destroy();
  });
});

/** Code that makes a signal frame at DATA which blocks every signal and goes on at `to`, and returns through it. */
function forgedReturn(a: Assembler, to: number): void {
  a.mov(rbx, DATA);
  a.movabs(rax, to).mov(at(rbx, FRAME_GREGS + 128), rax); // rip
  a.mov(rax, STACK_TOP).mov(at(rbx, FRAME_GREGS + 120), rax); // rsp
  // cs and ss
  a.mov(eax, 0x2b)
    .shl(rax, 48)
    .op('or', rax, 0x33)
    .mov(at(rbx, FRAME_GREGS + 144), rax);
  a.mov(rax, -1).mov(at(rbx, FRAME_MASK), rax);
  a.lea(rsp, at(rbx, 8)).mov(eax, NR_rt_sigreturn);
  a.movabs(rcx, sites().sigreturn - 2).jmpRegister(rcx);
}

describe('a forged rt_sigreturn that blocks all signals', () => {
  test('does not save an endless loop from being ended', () => {
    const context = machine.start((a) => {
      forgedReturn(a, CODE + 0x800);
      while (a.here < CODE + 0x800) a.nop();
      a.label('loop').op('add', rbx, 1).jmp('loop');
    });
    expect(machine.next(20)).toBeUndefined();
    context.interrupt();
    expect(machine.trap() === context).toBe(true);
    expect(context.trap).toBe(TRAP_DIED);
    context.space.destroy();
  });

  test('makes the next system call deadly', () => {
    const context = machine.start((a) => {
      forgedReturn(a, CODE + 0x800);
      while (a.here < CODE + 0x800) a.nop();
      a.mov(eax, 39).syscall();
    });
    expect(machine.trap() === context).toBe(true);
    expect(context.trap).toBe(TRAP_DIED);
    context.space.destroy();
  });
});

describe('scribbling over the mailbox and the slot', () => {
  const mailboxOf = (context: CpuContext): number =>
    SLOTS + (context as unknown as { slot: number }).slot * slotSize();

  test.each([
    ['far away', 0xdead_beef_0000],
    ['in guest memory', DATA],
    ['in the next slot', 0x1_0000],
    ['at the end of the slot', -8],
    ['unaligned', 0x401],
    ['over the mailbox', 8],
  ])('a frame address %s ends the space', (_name, where) => {
    const context = machine.context(
      machine.space((a) => {
        a.mov(at(rbx, MAILBOX_FRAME), rdi).mov(eax, STATE_TRAPPED).xchg(at(rbx, MAILBOX_STATE), eax);
        a.label('loop').jmp('loop');
      }),
    );
    const slot = mailboxOf(context);
    setRegister(context, RBX, slot);
    const offset = where < 0 ? slotSize() + where : where;
    setRegister(context, RDI, where > 0x10_0000 ? where : slot + offset);
    context.resume();
    expect(machine.trap() === context).toBe(true);
    expect(context.trap).toBe(TRAP_DIED);
    context.space.destroy();
  });

  test('an FPU area outside the slot ends the space', () => {
    const context = machine.context(
      machine.space((a) => {
        a.mov(at(rdi, FRAME_FPU), rsi).mov(at(rbx, MAILBOX_FRAME), rdi);
        a.mov(eax, STATE_SLEEPING).xchg(at(rbx, MAILBOX_STATE), eax).label('loop').jmp('loop');
      }),
    );
    const slot = mailboxOf(context);
    setRegister(context, RBX, slot);
    setRegister(context, RDI, slot + 0x108);
    setRegister(context, RSI, slot + slotSize() - 64);
    context.resume();
    machine.trap();
    expect(context.trap).toBe(TRAP_DIED);
    context.space.destroy();
  });

  test('filling the whole slot with ones harms nobody else', () => {
    const context = machine.context(
      machine.space((a) => {
        // rep stosq over the slot, then a system call.
        a.mov(rdi, rbx)
          .mov(ecx, slotSize() / 8)
          .mov(rax, -1)
          .raw(0xf3, 0x48, 0xab)
          .mov(eax, 1)
          .syscall();
        a.label('loop').jmp('loop');
      }),
    );
    setRegister(context, RBX, mailboxOf(context));
    context.resume();
    expect(machine.trap() === context).toBe(true);
    context.resume();
    machine.next(20);
    context.space.destroy();
  });

  test('a forged report of the command thread does not make a change seem done', () => {
    const space = machine.space((a) => {
      // Counts the word up for ever, as fast as it can: it will often be right.
      a.label('loop').op('add', rcx, 1).mov(at(rbx), ecx).jmp('loop');
      while (a.here < CODE + 0x800) a.nop();
      a.label('read').mov(rax, at(rdi)).mov(eax, 1).syscall().jmp('read');
    });
    const forger = machine.context(space);
    setRegister(forger, RBX, SLOTS);
    forger.resume();
    const reader = machine.context(space, CODE + 0x800);
    const page = CODE + 0x10_0000;
    setRegister(reader, RDI, page);
    for (let round = 0; round < 20; round++) {
      space.map(page, 4096, HOST_READ | HOST_WRITE, 0x20_0000);
      space.flush();
      reader.resume();
      expect(machine.trap() === reader).toBe(true);
      expect(reader.trap).toBe(TRAP_SYSCALL);
      space.unmap(page, 4096);
      space.flush();
      reader.resume();
      expect(machine.trap() === reader).toBe(true);
      expect(reader.trap).toBe(TRAP_PAGE_FAULT);
    }
    forger.interrupt();
    expect(machine.trap() === forger).toBe(true);
    space.destroy();
  });
});

describe('memory of the stub', () => {
  test.each([
    ['code page', CODE_PAGE, HOST_WRITE],
    ['shared page', SHARED_PAGE, HOST_WRITE],
    ['command page', COMMAND_PAGE, HOST_WRITE],
    ['start page with the secret', START_PAGE, HOST_READ],
  ])('the %s cannot be touched', (_name, address, access) => {
    const context = machine.start((a) => {
      a.movabs(rbx, address);
      if (access === HOST_WRITE) a.mov(at(rbx), rax);
      else a.mov(rax, at(rbx));
    });
    machine.trap();
    expect([context.trap, context.faultAddress, context.faultAccess]).toEqual([
      TRAP_PAGE_FAULT,
      address,
      access,
    ]);
    context.space.destroy();
  });

  test('is not reachable through addresses that the guest gives itself', () => {
    const space = machine.space((a) => a.nop());
    expect(() => space.map(CODE_PAGE, 4096, HOST_READ | HOST_WRITE | HOST_EXEC, 0)).toThrow();
    expect(() => space.unmap(CODE_PAGE - 4096, 8192)).toThrow();
    space.destroy();
  });
});

describe('odd processor states', () => {
  test('32-bit code makes foreign system calls', () => {
    const context = machine.start((a) => {
      // push 0x23; push target; retfq, and then int 0x80 as 32-bit code.
      a.mov(eax, 0x23)
        .push(rax)
        .mov(eax, CODE + 0x100)
        .push(rax)
        .raw(0x48, 0xcb);
      while (a.here < CODE + 0x100) a.nop();
      a.raw(0xb8, 20, 0, 0, 0, 0xcd, 0x80).raw(0x0f, 0x05);
    });
    machine.trap();
    expect(context.trap).toBe(TRAP_FOREIGN_SYSCALL);
    context.resume();
    machine.trap();
    expect([TRAP_FOREIGN_SYSCALL, TRAP_EXCEPTION]).toContain(context.trap);
    context.space.destroy();
  });

  test('a call of the vsyscall page is a system call', () => {
    const context = machine.start((a) => a.mov(rax, -0xa0_0000).raw(0xff, 0xd0).ud2());
    machine.trap();
    expect([TRAP_SYSCALL, TRAP_EXCEPTION]).toContain(context.trap);
    if (context.trap === TRAP_SYSCALL) expect(context.syscallNumber).toBe(96);
    context.space.destroy();
  });

  test('single steps trap one by one', () => {
    const context = machine.context(machine.space((a) => a.nop().nop().syscall()));
    setRegister(context, EFLAGS, 0x100);
    for (let step = 1; step <= 2; step++) {
      context.resume();
      machine.trap();
      expect([context.trap, context.signal, getRegister(context, RIP)]).toEqual([
        TRAP_EXCEPTION,
        SIGTRAP,
        CODE + step,
      ]);
    }
    context.space.destroy();
  });

  test('alignment checks and the direction flag do not disturb the stub', () => {
    const context = machine.context(
      machine.space((a) =>
        a
          .mov(eax, 1)
          .syscall()
          .mov(rbx, DATA + 1)
          .mov(rax, at(rbx))
          .ud2(),
      ),
    );
    setRegister(context, EFLAGS, 0x4_0400);
    context.resume();
    machine.trap();
    expect(context.trap).toBe(TRAP_SYSCALL);
    expect(getRegister(context, EFLAGS) & 0x4_0400).toBe(0x4_0400);
    context.resume();
    machine.trap();
    expect([context.trap, context.signal]).toEqual([TRAP_EXCEPTION, SIGBUS]);
    context.space.destroy();
  });

  test('a stack pointer in the slot or nowhere does not matter', () => {
    const space = machine.space((a) => a.mov(eax, 1).syscall());
    for (const stack of [
      0,
      8,
      0x7fff_ffff_fff8,
      SLOTS + slotSize() + 0x800,
      SLOTS + slotSize() - 8,
      CODE_PAGE + 0x800,
    ]) {
      const context = machine.context(space);
      setRegister(context, RSP, stack);
      context.resume();
      const trapped = machine.next(2000);
      expect(trapped === context).toBe(true);
      if (context.trap === TRAP_DIED) return;
      context.destroy();
    }
    space.destroy();
  });
});
