/** The stub as an ELF executable: elf(5), the least that execve accepts. */

const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const ET_EXEC = 2;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474_e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** Bytes before the code. */
export const ELF_HEADER_SIZE = EHDR_SIZE + 2 * PHDR_SIZE;

/** Header and program headers of a file of `size` bytes that is loaded whole at `address`, with a stack that is not executable. */
export function elfHeader(address: number, size: number, entry: number): Uint8Array {
  const bytes = new Uint8Array(ELF_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  const set64 = (offset: number, value: number): void => view.setBigUint64(offset, BigInt(value), true);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, EM_X86_64, true);
  view.setUint32(20, 1, true);
  set64(24, entry);
  set64(32, EHDR_SIZE);
  view.setUint16(52, EHDR_SIZE, true);
  view.setUint16(54, PHDR_SIZE, true);
  view.setUint16(56, 2, true);

  const load = EHDR_SIZE;
  view.setUint32(load, PT_LOAD, true);
  view.setUint32(load + 4, PF_R | PF_X, true);
  set64(load + 16, address);
  set64(load + 24, address);
  set64(load + 32, size);
  set64(load + 40, size);
  set64(load + 48, 4096);

  const stack = EHDR_SIZE + PHDR_SIZE;
  view.setUint32(stack, PT_GNU_STACK, true);
  view.setUint32(stack + 4, PF_R | PF_W, true);
  set64(stack + 48, 16);
  return bytes;
}
