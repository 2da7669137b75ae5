/**
 * Byte strings. A file name in Linux is bytes, in no particular encoding, so in the kernel it is a string whose
 * characters are those bytes, 0 to 255: cheap to compare, to split and to use as a key, and nothing is lost.
 */
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** A string whose characters are all below 256, each one byte. */
export type Name = string;

/** The bytes of `[start, end)`. Eight characters at a time: the fastest way for every length that matters (measured). */
export function nameFromBytes(bytes: Uint8Array, start = 0, end = bytes.length): Name {
  let name = '';
  let index = start;
  for (; index + 8 <= end; index += 8) {
    name += String.fromCharCode(
      bytes[index],
      bytes[index + 1],
      bytes[index + 2],
      bytes[index + 3],
      bytes[index + 4],
      bytes[index + 5],
      bytes[index + 6],
      bytes[index + 7],
    );
  }
  for (; index < end; index++) name += String.fromCharCode(bytes[index]);
  return name;
}

export function nameToBytes(name: Name): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(name.length);
  putName(name, bytes, 0);
  return bytes;
}

/** Writes the name's bytes, without a terminator, and returns how many they are. */
export function putName(name: Name, into: Uint8Array, at: number): number {
  for (let index = 0; index < name.length; index++) into[at + index] = name.charCodeAt(index);
  return name.length;
}

/** Ordinary text as the byte string of its UTF-8 form. */
export function utf8(text: string): Name {
  return isAscii(text) ? text : nameFromBytes(encodeUtf8(text));
}

/** A byte string as ordinary text: for people. What is not UTF-8 shows as U+FFFD. */
export function text(name: Name): string {
  return isAscii(name) ? name : decodeUtf8(nameToBytes(name));
}

function isAscii(characters: string): boolean {
  for (let index = 0; index < characters.length; index++)
    if (characters.charCodeAt(index) >= 0x80) return false;
  return true;
}
