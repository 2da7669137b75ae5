/** What follows `con1=` and `ssl=`: `channel`, or `input,output`, each of them a channel. */
import { text, type Name } from '../../lib/names.js';
import {
  BadChannel,
  type Channel,
  type ChannelContext,
  type ChannelType,
  type Directions,
} from './channel.js';
import type { LineFamily } from './lines.js';
import { PairChannel } from './pair.js';

/**
 * Makes the channel. Throws a BadChannel, with a line for the log or ''. Kinds are recognised by how the text begins, in the
 * order of `types`.
 */
export function parseChannel(
  spec: Name,
  types: readonly ChannelType[],
  context: ChannelContext,
): Channel | 'none' {
  const comma = spec.indexOf(',');
  if (comma < 0) {
    if (spec.startsWith('none')) return 'none';
    return parseOne(spec, types, context, { input: true, output: true });
  }
  const input = parseOne(spec.slice(0, comma), types, context, { input: true, output: false });
  const output = parseOne(spec.slice(comma + 1), types, context, { input: false, output: true });
  return new PairChannel(input, output);
}

function parseOne(
  spec: Name,
  types: readonly ChannelType[],
  context: ChannelContext,
  directions: Directions,
): Channel {
  const type = types.find(({ name }) => spec.startsWith(name));
  if (type === undefined) throw new BadChannel('');
  return type.parse(spec.slice(type.name.length), context, directions);
}

/** What the switches of a family say, and what of them makes no sense. */
export interface LineSpecs {
  /** For all lines that have no switch of their own. */
  readonly general: Name | undefined;
  readonly numbered: ReadonlyMap<number, Name>;
  readonly complaints: readonly string[];
}

/** Reads `=pts` and `1=pts`, what follows `con` or `ssl`. A later one wins over an earlier one, a numbered over a general. */
export function readLineSwitches(
  { kind, count }: Pick<LineFamily, 'kind' | 'count'>,
  words: readonly Name[],
): LineSpecs {
  let general: Name | undefined;
  const numbered = new Map<number, Name>();
  const complaints: string[] = [];
  for (const word of words) {
    if (word.startsWith('=')) {
      general = word.slice(1);
      continue;
    }
    const match = /^([0-9]+)=(.*)$/s.exec(word);
    const reason =
      match === null
        ? "Couldn't parse device number"
        : Number(match[1]) >= count
          ? 'Device number out of range'
          : undefined;
    if (match === null || reason !== undefined)
      complaints.push(`Failed to set up ${kind} with configuration string "${text(word)}" : ${reason}`);
    else numbered.set(Number(match[1]), match[2]);
  }
  return { general, numbered, complaints };
}
