/**
 * Stacks in terms of the TypeScript source. Node's own switch for that (process.setSourceMapsEnabled) makes every import
 * slower by the reading of its map; stacks are rare, so the maps are read when one is shown.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const frame = /(file:\/\/[^\s()]+\.js):(\d+):(\d+)/;

/** An exception's text and stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? `${error.name}: ${error.message}`;
  const maps = new Map<string, SourceMap | undefined>();
  return stack
    .split('\n')
    .map((line) =>
      line.replace(frame, (place, url: string, row: string, column: string) => {
        if (!maps.has(url)) maps.set(url, readMap(url));
        return original(maps.get(url), url, Number(row), Number(column)) ?? place;
      }),
    )
    .join('\n');
}

/** An exception in one line: its text, and where it was thrown. */
export function describeBriefly(error: unknown): string {
  const [text, place] = describeError(error).split('\n');
  return place === undefined ? text : `${text} (${place.trim()})`;
}

function readMap(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(fileURLToPath(url) + '.map', 'utf8')));
  } catch {
    // An installation without maps: the compiled code's places serve.
    return undefined;
  }
}

function original(map: SourceMap | undefined, url: string, row: number, column: number): string | undefined {
  const entry = map?.findEntry(row - 1, column - 1);
  if (entry === undefined || !('originalSource' in entry)) return undefined;
  const source = resolve(dirname(fileURLToPath(url)), entry.originalSource);
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}
