/** Sequence numbers: 32 bits that wrap around. RFC 9293, section 3.4. */

/** How far `a` is ahead of `b`; negative when it is behind. */
export const ahead = (a: number, b: number): number => (a - b) | 0;
export const isAfter = (a: number, b: number): boolean => ((a - b) | 0) > 0;
export const isBefore = (a: number, b: number): boolean => ((a - b) | 0) < 0;
export const advance = (a: number, by: number): number => (a + by) >>> 0;
export const later = (a: number, b: number): number => (isAfter(a, b) ? a : b);
