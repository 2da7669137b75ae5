/** ioctl_ns(2): linux/nsfs.h; inode numbers of the first namespaces: include/linux/proc_ns.h. */

export const NS_GET_USERNS = 0xb701;
export const NS_GET_PARENT = 0xb702;
export const NS_GET_NSTYPE = 0xb703;
export const NS_GET_OWNER_UID = 0xb704;
export const PROC_IPC_INIT_INO = 0xefff_ffff;
export const PROC_UTS_INIT_INO = 0xefff_fffe;
export const PROC_USER_INIT_INO = 0xefff_fffd;
export const PROC_PID_INIT_INO = 0xefff_fffc;
export const PROC_CGROUP_INIT_INO = 0xefff_fffb;
export const PROC_TIME_INIT_INO = 0xefff_fffa;
