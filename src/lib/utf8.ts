/** UTF-8 (RFC 3629) to and from JavaScript strings, where TextEncoder and TextDecoder do not exist. */

const REPLACEMENT = 0xfffd;

/** Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    let code = text.charCodeAt(index);
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = text.charCodeAt(index + 1);
      if (code < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        index++;
      } else {
        code = REPLACEMENT;
      }
    }
    if (code < 0x80) {
      bytes[length++] = code;
      continue;
    }
    if (code < 0x800) {
      bytes[length++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        bytes[length++] = 0xe0 | (code >> 12);
      } else {
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
      }
      bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[length++] = 0x80 | (code & 0x3f);
  }
  return bytes.slice(0, length);
}

/**
 * The bytes of `[start, end)` as text. Each maximal part of an ill-formed sequence becomes one U+FFFD, as the WHATWG
 * encoding standard and the Unicode standard (3.9, "Substitution of Maximal Subparts") have it.
 */
export function decodeUtf8(bytes: ArrayLike<number>, start = 0, end = bytes.length): string {
  let text = '';
  let index = start;
  while (index < end) {
    const lead = bytes[index++];
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      continue;
    }
    const more =
      lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
    if (more === 0) {
      text += '\ufffd';
      continue;
    }
    // The second byte's range excludes overlong forms, surrogates and what is beyond U+10FFFF.
    let lower = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let upper = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    let code = lead & (0x3f >> more);
    let seen = 0;
    while (seen < more && index < end && bytes[index] >= lower && bytes[index] <= upper) {
      code = (code << 6) | (bytes[index++] & 0x3f);
      lower = 0x80;
      upper = 0xbf;
      seen++;
    }
    text += seen === more ? String.fromCodePoint(code) : '\ufffd';
  }
  return text;
}
