// What the launchers share. Plain JavaScript, so that it says something sensible even where nothing else runs.
import { existsSync, statSync, writeSync } from 'node:fs';
import module from 'node:module';

const MIN_NODE = [20, 19];

function fail(command, reason) {
  writeSync(2, `${command}: ${reason}\n`);
  process.exit(1);
}

function nodeIsTooOld() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1]);
}

/** The bundle starts faster; but while someone is at work on the source, it may be older than the rest. */
function isCurrent(program) {
  const built = statSync(program, { throwIfNoEntry: false });
  if (built === undefined) return false;
  return ['.kernel', '.node'].every((project) => {
    const info = new URL(`../dist/${project}.tsbuildinfo`, import.meta.url);
    const compiled = statSync(info, { throwIfNoEntry: false });
    return compiled === undefined || compiled.mtimeMs <= built.mtimeMs;
  });
}

/** `path` is the program's, below dist/ and below dist/bundle/. */
export async function start(command, path) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    fail(command, `needs Linux on x86-64; this is ${process.platform} on ${process.arch}`);
  if (nodeIsTooOld())
    fail(command, `needs Node.js ${MIN_NODE.join('.')} or newer; this is ${process.versions.node}`);
  const bundled = new URL(`../dist/bundle/${path}`, import.meta.url);
  const program = isCurrent(bundled) ? bundled : new URL(`../dist/${path}`, import.meta.url);
  if (!existsSync(program)) fail(command, 'is not built yet: run `npm run build` first');
  // From Node 22 on: compiled code is kept between starts.
  module.enableCompileCache?.();
  await import(program);
}
