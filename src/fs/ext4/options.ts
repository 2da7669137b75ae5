/** Mount options: ext4(5). */
import type { Kernel } from '../../kernel/kernel.js';
import type { Name } from '../../lib/names.js';
import { unknownOption } from '../super-block.js';
import { EXT4_ERRORS_CONTINUE, EXT4_ERRORS_PANIC, EXT4_ERRORS_RO } from './layout.js';

export interface Ext4Options {
  /** errors=, if it was given. */
  errors?: number;
}

const policies: Readonly<Record<Name, number>> = {
  'errors=continue': EXT4_ERRORS_CONTINUE,
  'errors=remount-ro': EXT4_ERRORS_RO,
  'errors=panic': EXT4_ERRORS_PANIC,
};

/** What is so anyway, or only tunes. */
const ignored =
  /^(no)?(acl|user_xattr|barrier|delalloc|discard|auto_da_alloc|lazytime|init_itable)$|^(defaults|relatime|data=ordered|barrier=[01]|grpid|nogrpid|bsdgroups|sysvgroups|usrjquota=|grpjquota=|quota|noquota|minixdf|bsddf|nocheck|check=none|block_validity|noblock_validity|dioread_nolock|dioread_lock|journal_checksum|nojournal_checksum|(commit|stripe|inode_readahead_blks|max_batch_time|min_batch_time|journal_ioprio|resuid|resgid|init_itable)=\d+)$/;

export function parseOptions(kernel: Kernel, type: Name, data: Name): Ext4Options {
  const options: Ext4Options = {};
  for (const option of data.split(',')) {
    const policy = policies[option];
    if (policy !== undefined) options.errors = policy;
    else if (option !== '' && !ignored.test(option)) unknownOption(kernel, type, option);
  }
  return options;
}
