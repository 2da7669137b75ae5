/** mbind(2), set_mempolicy(2), get_mempolicy(2): linux/mempolicy.h. */

export const MPOL_DEFAULT = 0;
export const MPOL_PREFERRED = 1;
export const MPOL_BIND = 2;
export const MPOL_INTERLEAVE = 3;
export const MPOL_LOCAL = 4;
export const MPOL_PREFERRED_MANY = 5;
export const MPOL_F_STATIC_NODES = 32_768;
export const MPOL_F_RELATIVE_NODES = 16_384;
export const MPOL_F_NUMA_BALANCING = 8192;
export const MPOL_F_NODE = 1;
export const MPOL_F_ADDR = 2;
export const MPOL_F_MEMS_ALLOWED = 4;
export const MPOL_MF_STRICT = 1;
export const MPOL_MF_MOVE = 2;
export const MPOL_MF_MOVE_ALL = 4;
export const MPOL_MF_LAZY = 8;
export const MPOL_MF_INTERNAL = 16;
export const MPOL_F_SHARED = 1;
export const MPOL_F_MOF = 8;
export const MPOL_F_MORON = 16;
