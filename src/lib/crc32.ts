/** CRC-32 as in Ethernet, gzip and GPT: polynomial 0xedb88320, reflected. */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb8_8320;
  return crc;
});

export class Crc32 {
  private state = 0xffff_ffff;

  update(bytes: Uint8Array): this {
    let { state } = this;
    for (const byte of bytes) state = (state >>> 8) ^ table[(state ^ byte) & 0xff];
    this.state = state;
    return this;
  }

  get value(): number {
    return (this.state ^ 0xffff_ffff) >>> 0;
  }
}
