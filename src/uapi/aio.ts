/** io_submit(2): linux/aio_abi.h. */
import { s16, s64, struct, u16, u32, u64, word64 } from '../lib/struct.js';

export const IOCB_CMD_PREAD = 0;
export const IOCB_CMD_PWRITE = 1;
export const IOCB_CMD_FSYNC = 2;
export const IOCB_CMD_FDSYNC = 3;
export const IOCB_CMD_POLL = 5;
export const IOCB_CMD_NOOP = 6;
export const IOCB_CMD_PREADV = 7;
export const IOCB_CMD_PWRITEV = 8;
export const IOCB_FLAG_RESFD = 1;
export const IOCB_FLAG_IOPRIO = 2;
export const io_event = struct({ data: word64, obj: word64, res: s64, res2: s64 });
export const iocb = struct({
  aio_data: word64,
  aio_key: u32,
  aio_rw_flags: u32,
  aio_lio_opcode: u16,
  aio_reqprio: s16,
  aio_fildes: u32,
  aio_buf: u64,
  aio_nbytes: u64,
  aio_offset: s64,
  aio_reserved2: u64,
  aio_flags: u32,
  aio_resfd: u32,
});
