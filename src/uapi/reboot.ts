/** reboot(2): linux/reboot.h. */

export const LINUX_REBOOT_MAGIC1 = 0xfee1_dead;
export const LINUX_REBOOT_MAGIC2 = 672_274_793;
export const LINUX_REBOOT_MAGIC2A = 85_072_278;
export const LINUX_REBOOT_MAGIC2B = 369_367_448;
export const LINUX_REBOOT_MAGIC2C = 537_993_216;
export const LINUX_REBOOT_CMD_RESTART = 0x123_4567;
export const LINUX_REBOOT_CMD_HALT = 0xcdef_0123;
export const LINUX_REBOOT_CMD_CAD_ON = 0x89ab_cdef;
export const LINUX_REBOOT_CMD_CAD_OFF = 0x0;
export const LINUX_REBOOT_CMD_POWER_OFF = 0x4321_fedc;
export const LINUX_REBOOT_CMD_RESTART2 = 0xa1b2_c3d4;
export const LINUX_REBOOT_CMD_SW_SUSPEND = 0xd000_fce2;
export const LINUX_REBOOT_CMD_KEXEC = 0x4558_4543;
