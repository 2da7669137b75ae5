/**
 * C structures, declared once: layout by the natural alignment rules of the System V ABI, little endian unless a field
 * says otherwise. Whole records on cold paths (`read`, `write`, `encode`, `decode`); on hot ones, a field's handle:
 *
 *     const timespec = struct({ tv_sec: s64, tv_nsec: s64 });
 *     const { tv_sec } = timespec.field;
 *     tv_sec.set(view, base, seconds);
 *
 * Handles of one field type share a class, so that a call through a constant handle is monomorphic and is inlined.
 * Nothing here checks `base` against anything but the view's own bounds.
 */
import { assert } from './assert.js';
import { nameFromBytes, type Name } from './names.js';
import { TWO32, Word64 } from './word64.js';

/** Reads and writes one field of the structure that begins at `base`. `In` is what `set` takes, more loosely than `T`. */
export interface Field<T, In = T> {
  readonly offset: number;
  get(view: DataView, base: number): T;
  set(view: DataView, base: number, value: In): void;
}

/** A type of fields. `at` makes the handle for a field at that offset. */
export interface Type<F extends Field<unknown> = Field<unknown>> {
  readonly size: number;
  readonly align: number;
  at(offset: number): F;
}

type Value<T> =
  T extends Type<infer F> ? (F extends { get(view: DataView, base: number): infer V } ? V : never) : never;
type Input<T> =
  T extends Type<infer F>
    ? F extends { set(view: DataView, base: number, value: infer V): void }
      ? V
      : never
    : never;

type Types = Readonly<Record<string, Type>>;
type RecordOfFields<F extends Types> = { -readonly [K in keyof F]: Value<F[K]> };
type InputOfFields<F extends Types> = { readonly [K in keyof F]?: Input<F[K]> };

/** The record that a structure holds: `RecordOf<typeof timespec>`. */
export type RecordOf<S> = S extends Struct<infer F> ? RecordOfFields<F> : never;

class U8 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getUint8(base + this.offset);
  }
  set(view: DataView, base: number, value: number): void {
    view.setUint8(base + this.offset, value);
  }
}

class S8 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getInt8(base + this.offset);
  }
  set(view: DataView, base: number, value: number): void {
    view.setInt8(base + this.offset, value);
  }
}

class U16 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getUint16(base + this.offset, true);
  }
  set(view: DataView, base: number, value: number): void {
    view.setUint16(base + this.offset, value, true);
  }
}

class S16 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getInt16(base + this.offset, true);
  }
  set(view: DataView, base: number, value: number): void {
    view.setInt16(base + this.offset, value, true);
  }
}

class U32 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getUint32(base + this.offset, true);
  }
  set(view: DataView, base: number, value: number): void {
    view.setUint32(base + this.offset, value, true);
  }
}

class S32 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getInt32(base + this.offset, true);
  }
  set(view: DataView, base: number, value: number): void {
    view.setInt32(base + this.offset, value, true);
  }
}

class U64 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    const at = base + this.offset;
    return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO32;
  }
  set(view: DataView, base: number, value: number): void {
    const at = base + this.offset;
    view.setInt32(at, value | 0, true);
    view.setInt32(at + 4, Math.floor(value / TWO32) | 0, true);
  }
}

class S64 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    const at = base + this.offset;
    return view.getUint32(at, true) + view.getInt32(at + 4, true) * TWO32;
  }
  set(view: DataView, base: number, value: number): void {
    const at = base + this.offset;
    view.setInt32(at, value | 0, true);
    view.setInt32(at + 4, Math.floor(value / TWO32) | 0, true);
  }
}

class LimitField implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    const low = view.getUint32(base + this.offset, true);
    const high = view.getUint32(base + this.offset + 4, true);
    return low === 0xffff_ffff && high === 0xffff_ffff ? Infinity : low + high * TWO32;
  }
  set(view: DataView, base: number, value: number): void {
    view.setInt32(base + this.offset, value === Infinity ? -1 : value | 0, true);
    view.setInt32(base + this.offset + 4, value === Infinity ? -1 : Math.floor(value / TWO32) | 0, true);
  }
}

/** All 64 bits, as a `Word64`; the halves are signed numbers. */
export class Word64Field implements Field<Word64> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): Word64 {
    return new Word64(this.getLo(view, base), this.getHi(view, base));
  }
  set(view: DataView, base: number, value: Word64): void {
    this.setWords(view, base, value.lo, value.hi);
  }
  getLo(view: DataView, base: number): number {
    return view.getInt32(base + this.offset, true);
  }
  getHi(view: DataView, base: number): number {
    return view.getInt32(base + this.offset + 4, true);
  }
  setWords(view: DataView, base: number, low: number, high: number): void {
    view.setInt32(base + this.offset, low, true);
    view.setInt32(base + this.offset + 4, high, true);
  }
}

class Be16 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getUint16(base + this.offset);
  }
  set(view: DataView, base: number, value: number): void {
    view.setUint16(base + this.offset, value);
  }
}

class Be32 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getUint32(base + this.offset);
  }
  set(view: DataView, base: number, value: number): void {
    view.setUint32(base + this.offset, value);
  }
}

class Be64 implements Field<number> {
  constructor(readonly offset: number) {}
  get(view: DataView, base: number): number {
    return view.getUint32(base + this.offset) * TWO32 + view.getUint32(base + this.offset + 4);
  }
  set(view: DataView, base: number, value: number): void {
    view.setInt32(base + this.offset, Math.floor(value / TWO32) | 0);
    view.setInt32(base + this.offset + 4, value | 0);
  }
}

class BytesField implements Field<Uint8Array<ArrayBuffer>, Uint8Array> {
  constructor(
    readonly offset: number,
    private readonly length: number,
  ) {}
  /** A copy. */
  get(view: DataView, base: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(bytesOf(view, base + this.offset, this.length));
  }
  set(view: DataView, base: number, value: Uint8Array): void {
    assert(value.length <= this.length, 'the bytes fit the field');
    const target = bytesOf(view, base + this.offset, this.length);
    target.set(value);
    target.fill(0, value.length);
  }
}

class CStringField implements Field<Name> {
  constructor(
    readonly offset: number,
    private readonly length: number,
  ) {}
  get(view: DataView, base: number): Name {
    const source = bytesOf(view, base + this.offset, this.length);
    const end = source.indexOf(0);
    return nameFromBytes(source, 0, end < 0 ? this.length : end);
  }
  /** As strncpy does: a name that is too long is cut, one that just fits has no NUL. */
  set(view: DataView, base: number, value: Name): void {
    const start = base + this.offset;
    for (let index = 0; index < this.length; index++) {
      view.setUint8(start + index, index < value.length ? value.charCodeAt(index) : 0);
    }
  }
}

class ArrayField<V, In> implements Field<V[], readonly In[]> {
  private readonly elements: readonly Field<V, In>[];
  constructor(
    readonly offset: number,
    type: Type<Field<V, In>>,
    count: number,
    private readonly size: number,
  ) {
    this.elements = Array.from({ length: count }, (_, index) => type.at(offset + index * type.size));
  }
  get(view: DataView, base: number): V[] {
    return this.elements.map((element) => element.get(view, base));
  }
  set(view: DataView, base: number, values: readonly In[]): void {
    assert(values.length <= this.elements.length, 'the values fit the array');
    zero(view, base + this.offset, this.size);
    for (let index = 0; index < values.length; index++) this.elements[index].set(view, base, values[index]);
  }
}

class StructField<F extends Types> implements Field<RecordOfFields<F>, InputOfFields<F>> {
  constructor(
    readonly offset: number,
    readonly struct: Struct<F>,
  ) {}
  get(view: DataView, base: number): RecordOfFields<F> {
    return this.struct.read(view, base + this.offset);
  }
  set(view: DataView, base: number, value: InputOfFields<F>): void {
    this.struct.write(view, base + this.offset, value);
  }
}

const scalar = <F extends Field<unknown>>(size: number, make: new (offset: number) => F): Type<F> => ({
  size,
  align: size,
  at: (offset) => new make(offset),
});

export const u8 = scalar(1, U8);
export const s8 = scalar(1, S8);
export const u16 = scalar(2, U16);
export const s16 = scalar(2, S16);
export const u32 = scalar(4, U32);
export const s32 = scalar(4, S32);
/** A number, exact below 2^53 and rounded above: sizes, addresses, offsets. Pointers are this. */
export const u64 = scalar(8, U64);
/** A number, exact below 2^53 in magnitude. */
export const s64 = scalar(8, S64);
/** 64 bits that are not a quantity: masks, cookies. */
export const word64 = scalar(8, Word64Field);
/** An unsigned number of which "all ones" means Infinity, as in struct rlimit. */
export const limit64 = scalar(8, LimitField);
export const be16 = scalar(2, Be16);
export const be32 = scalar(4, Be32);
export const be64 = scalar(8, Be64);

/** `n` bytes, copied; a shorter value is filled up with zeros. */
export const bytes = (n: number): Type<Field<Uint8Array<ArrayBuffer>, Uint8Array>> => ({
  size: n,
  align: 1,
  at: (offset) => new BytesField(offset, n),
});

/** `char[n]` that holds a byte string up to its NUL, or all of it. */
export const cstring = (n: number): Type<Field<Name>> => ({
  size: n,
  align: 1,
  at: (offset) => new CStringField(offset, n),
});

/** `n` values in a row; a shorter list is filled up with zeros. */
export const array = <V, In>(type: Type<Field<V, In>>, n: number): Type<Field<V[], readonly In[]>> => ({
  size: type.size * n,
  align: type.align,
  at: (offset) => new ArrayField(offset, type, n, type.size * n),
});

export interface StructOptions {
  /** No padding, alignment 1: __attribute__((packed)). */
  readonly packed?: boolean;
  /** A larger size or alignment than the fields give: unions, reserved space, __attribute__((aligned)). */
  readonly size?: number;
  readonly align?: number;
}

export class Struct<F extends Types> implements Type<StructField<F>> {
  readonly size: number;
  readonly align: number;
  /** Where each field begins, in bytes. */
  readonly offset: { readonly [K in keyof F]: number };
  /** A handle for each field. */
  readonly field: { readonly [K in keyof F]: F[K] extends Type<infer H> ? H : never };
  private readonly fields: readonly (readonly [name: string, handle: Field<unknown>])[];

  constructor(types: F, options: StructOptions) {
    let end = 0;
    let align = options.align ?? 1;
    const offsets: Record<string, number> = {};
    const handles: Record<string, Field<unknown>> = {};
    for (const [name, type] of Object.entries(types)) {
      const fieldAlign = options.packed === true ? 1 : type.align;
      const offset = roundUp(end, fieldAlign);
      offsets[name] = offset;
      handles[name] = type.at(offset);
      end = offset + type.size;
      align = Math.max(align, fieldAlign);
    }
    const size = options.size ?? roundUp(end, align);
    assert(size >= end, 'the fields fit the declared size');
    this.size = size;
    this.align = align;
    this.offset = offsets as typeof this.offset;
    this.field = handles as typeof this.field;
    this.fields = Object.entries(handles);
  }

  read(view: DataView, base: number): RecordOfFields<F> {
    const record: Record<string, unknown> = {};
    for (const [name, handle] of this.fields) record[name] = handle.get(view, base);
    return record as RecordOfFields<F>;
  }

  /** Missing fields, and the padding between fields, become zero: nothing leaks. */
  write(view: DataView, base: number, record: InputOfFields<F>): void {
    zero(view, base, this.size);
    for (const [name, handle] of this.fields) {
      const value = record[name];
      if (value !== undefined) handle.set(view, base, value);
    }
  }

  encode(record: InputOfFields<F>): Uint8Array<ArrayBuffer> {
    const buffer = new ArrayBuffer(this.size);
    this.write(new DataView(buffer), 0, record);
    return new Uint8Array(buffer);
  }

  /** The structure that `source` begins with; there must be enough bytes. */
  decode(source: Uint8Array): RecordOfFields<F> {
    return this.read(new DataView(source.buffer, source.byteOffset, source.byteLength), 0);
  }

  at(offset: number): StructField<F> {
    return new StructField(offset, this);
  }
}

/** Declares a structure. Fields are laid out in the order in which they are written. */
export function struct<const F extends Types>(types: F, options: StructOptions = {}): Struct<F> {
  return new Struct(types, options);
}

const roundUp = (value: number, align: number): number => Math.ceil(value / align) * align;

const bytesOf = (view: DataView, start: number, length: number): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset + start, length);

function zero(view: DataView, start: number, length: number): void {
  let index = 0;
  for (; index + 4 <= length; index += 4) view.setInt32(start + index, 0);
  for (; index < length; index++) view.setUint8(start + index, 0);
}
