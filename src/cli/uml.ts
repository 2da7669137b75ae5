/** The `uml` command: machines made easy. Each word after it is a command of its own, in a file of its own. */
import { existsSync, readFileSync, writeSync } from 'node:fs';
import { rawArguments } from './launch.js';
import { run } from './uml-run.js';
import { type UmlCommand, UsageError } from './uml-command.js';

const commands: readonly UmlCommand[] = [run];
const USAGE_STATUS = 125;

const usage = (): string => `Usage: uml COMMAND ...

Runs Linux programs in a User Mode Linux machine, which needs no privilege.

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

\`uml COMMAND --help\` tells more. The \`linux\` command boots a whole machine.
`;

/** Our package.json lies above dist/cli, or above dist/bundle/cli. */
function version(): string {
  const places = ['../../package.json', '../../../package.json'].map(
    (path) => new URL(path, import.meta.url),
  );
  const place = places.find((url) => existsSync(url)) ?? places[0];
  return (JSON.parse(readFileSync(place, 'utf8')) as { version: string }).version;
}

function main(words: readonly string[]): void {
  const [first, ...rest] = words;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    writeSync(first === undefined ? 2 : 1, usage());
    process.exitCode = first === undefined ? USAGE_STATUS : 0;
    return;
  }
  if (first === '--version') {
    writeSync(1, `uml ${version()}\n`);
    return;
  }
  const command = commands.find(({ name }) => name === first);
  if (command === undefined)
    throw new UsageError(`there is no command ${JSON.stringify(first)}; see \`uml --help\``);
  command.run(rest);
}

try {
  main(rawArguments());
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  writeSync(2, `uml: ${error.message}\n`);
  process.exitCode = USAGE_STATUS;
}
