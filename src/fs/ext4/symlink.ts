/** Symbolic links of ext4: the text is in the inode's record, or in a block. */
import { nameFromBytes, type Name } from '../../lib/names.js';
import { Ext4Inode } from './inode.js';
import { BLOCK_AREA } from './layout.js';

export class Ext4Symlink extends Ext4Inode {
  override readlink(): Name {
    const bytes = this.isInline ? this.inlineText() : this.isSlowLink ? this.blockText() : this.area;
    if (this.size === 0 || this.size > bytes.length) this.damaged('bad symbolic link');
    return nameFromBytes(bytes, 0, this.size);
  }

  private blockText(): Uint8Array {
    const number = this.physical(0);
    if (number === 0) this.damaged('bad symbolic link');
    return this.meta.get(number).bytes;
  }

  private inlineText(): Uint8Array {
    const more = this.attributes.get('system.data') ?? new Uint8Array(0);
    const text = new Uint8Array(BLOCK_AREA + more.length);
    text.set(this.area);
    text.set(more, BLOCK_AREA);
    return text;
  }
}
