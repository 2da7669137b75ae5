/** elf(5), core dumps, the auxiliary vector: linux/elf.h, linux/auxvec.h, linux/elfcore.h. */
import { array, bytes, cstring, s16, s32, s64, struct, u16, u32, u64, u8, word64 } from '../lib/struct.js';
import { timeval } from './time.js';

export const EI_NIDENT = 16;
export const EI_CLASS = 4;
export const EI_DATA = 5;
export const EI_VERSION = 6;
export const EI_OSABI = 7;
export const EI_PAD = 8;
export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const EV_CURRENT = 1;
export const ELFOSABI_NONE = 0;
export const ELFOSABI_LINUX = 3;
export const ET_NONE = 0;
export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;
export const EM_386 = 3;
export const EM_X86_64 = 62;

export const Elf64_Ehdr = struct({
  e_ident: bytes(EI_NIDENT),
  e_type: u16,
  e_machine: u16,
  e_version: u32,
  e_entry: u64,
  e_phoff: u64,
  e_shoff: u64,
  e_flags: u32,
  e_ehsize: u16,
  e_phentsize: u16,
  e_phnum: u16,
  e_shentsize: u16,
  e_shnum: u16,
  e_shstrndx: u16,
});
export const Elf64_Phdr = struct({
  p_type: u32,
  p_flags: u32,
  p_offset: u64,
  p_vaddr: u64,
  p_paddr: u64,
  p_filesz: u64,
  p_memsz: u64,
  p_align: u64,
});
export const Elf64_Shdr = struct({
  sh_name: u32,
  sh_type: u32,
  sh_flags: u64,
  sh_addr: u64,
  sh_offset: u64,
  sh_size: u64,
  sh_link: u32,
  sh_info: u32,
  sh_addralign: u64,
  sh_entsize: u64,
});
export const Elf64_Dyn = struct({ d_tag: s64, d_val: u64 });
export const Elf64_Sym = struct({
  st_name: u32,
  st_info: u8,
  st_other: u8,
  st_shndx: u16,
  st_value: u64,
  st_size: u64,
});
export const Elf64_Rela = struct({ r_offset: u64, r_info: word64, r_addend: s64 });
/** Followed by name and contents, each filled up to a multiple of 4. */
export const Elf64_Nhdr = struct({ n_namesz: u32, n_descsz: u32, n_type: u32 });

export const PT_NULL = 0x0;
export const PT_LOAD = 0x1;
export const PT_DYNAMIC = 0x2;
export const PT_INTERP = 0x3;
export const PT_NOTE = 0x4;
export const PT_SHLIB = 0x5;
export const PT_PHDR = 0x6;
export const PT_TLS = 0x7;
export const PT_LOOS = 0x6000_0000;
export const PT_HIOS = 0x6fff_ffff;
export const PT_LOPROC = 0x7000_0000;
export const PT_HIPROC = 0x7fff_ffff;
export const PT_GNU_EH_FRAME = 0x6474_e550;
export const PT_GNU_STACK = 0x6474_e551;
export const PT_GNU_RELRO = 0x6474_e552;
export const PT_GNU_PROPERTY = 0x6474_e553;
export const PN_XNUM = 0xffff;
export const PF_X = 0x1;
export const PF_W = 0x2;
export const PF_R = 0x4;
export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_HASH = 5;
export const SHT_DYNAMIC = 6;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHF_WRITE = 0x1;
export const SHF_ALLOC = 0x2;
export const SHF_EXECINSTR = 0x4;
export const SHN_UNDEF = 0;
export const SHN_ABS = 0xfff1;
export const DT_NULL = 0;
export const DT_NEEDED = 1;
export const DT_HASH = 4;
export const DT_STRTAB = 5;
export const DT_SYMTAB = 6;
export const DT_RELA = 7;
export const DT_RELASZ = 8;
export const DT_RELAENT = 9;
export const DT_STRSZ = 10;
export const DT_SYMENT = 11;
export const DT_SONAME = 14;
export const DT_VERSYM = 1_879_048_176;
export const DT_VERDEF = 1_879_048_188;
export const DT_VERDEFNUM = 1_879_048_189;
export const STB_GLOBAL = 1;
export const STT_FUNC = 2;

export const NT_PRSTATUS = 1;
export const NT_PRFPREG = 2;
export const NT_PRPSINFO = 3;
export const NT_AUXV = 6;
export const NT_SIGINFO = 0x5349_4749;
export const NT_FILE = 0x4649_4c45;
export const NT_X86_XSTATE = 0x202;
export const NT_GNU_PROPERTY_TYPE_0 = 5;

/** The auxiliary vector: pairs of these, up to AT_NULL. */
export const Elf64_auxv_t = struct({ a_type: u64, a_val: u64 });
export const AT_NULL = 0;
export const AT_IGNORE = 1;
export const AT_EXECFD = 2;
export const AT_PHDR = 3;
export const AT_PHENT = 4;
export const AT_PHNUM = 5;
export const AT_PAGESZ = 6;
export const AT_BASE = 7;
export const AT_FLAGS = 8;
export const AT_ENTRY = 9;
export const AT_NOTELF = 10;
export const AT_UID = 11;
export const AT_EUID = 12;
export const AT_GID = 13;
export const AT_EGID = 14;
export const AT_PLATFORM = 15;
export const AT_HWCAP = 16;
export const AT_CLKTCK = 17;
export const AT_SECURE = 23;
export const AT_BASE_PLATFORM = 24;
export const AT_RANDOM = 25;
export const AT_HWCAP2 = 26;
export const AT_EXECFN = 31;
export const AT_SYSINFO_EHDR = 33;
/** Where the kernel says how large a signal frame can get. */
export const AT_MINSIGSTKSZ = 51;
export const AT_RSEQ_FEATURE_SIZE = 27;
export const AT_RSEQ_ALIGN = 28;

/** struct user_regs_struct as elf_gregset_t. */
const ELF_NGREG = 27;

export const elf_siginfo = struct({ si_signo: s32, si_code: s32, si_errno: s32 });
/** NT_PRSTATUS: one for each thread, the dying one first. */
export const elf_prstatus = struct({
  pr_info: elf_siginfo,
  pr_cursig: s16,
  pr_sigpend: word64,
  pr_sighold: word64,
  pr_pid: s32,
  pr_ppid: s32,
  pr_pgrp: s32,
  pr_sid: s32,
  pr_utime: timeval,
  pr_stime: timeval,
  pr_cutime: timeval,
  pr_cstime: timeval,
  pr_reg: array(word64, ELF_NGREG),
  pr_fpvalid: s32,
});
/** NT_PRPSINFO: one for the process. */
export const elf_prpsinfo = struct({
  pr_state: u8,
  pr_sname: u8,
  pr_zomb: u8,
  pr_nice: u8,
  pr_flag: u64,
  pr_uid: u32,
  pr_gid: u32,
  pr_pid: s32,
  pr_ppid: s32,
  pr_pgrp: s32,
  pr_sid: s32,
  pr_fname: cstring(16),
  pr_psargs: cstring(80),
});
