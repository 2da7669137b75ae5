/**
 * A buffer for bytes on their way between structures and user memory, where a new one for each would be most of the work.
 * Whoever uses it must be done with it before anything else runs: no await, and no call that could use it, too.
 */
export class Scratch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;

  constructor(size: number) {
    const buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
  }
}
