/** Sizes that POSIX names: linux/limits.h. */

export const NAME_MAX = 255;
/** With the NUL. */
export const PATH_MAX = 4096;
export const PIPE_BUF = 4096;
export const NGROUPS_MAX = 65_536;
export const ARG_MAX = 131_072;
/** Links of one name that are followed: include/linux/namei.h. */
export const MAXSYMLINKS = 40;
/** One argument or variable of execve(2), and how many: linux/binfmts.h. */
export const MAX_ARG_STRLEN = 131_072;
export const MAX_ARG_STRINGS = 0x7fff_ffff;
export const BINPRM_BUF_SIZE = 256;
