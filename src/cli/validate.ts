import { EXIT, type Invocation } from './command.ts';
import { countOf, loadFile, problemText, withoutOwnVariables } from './config-input.ts';
import { printable, wrap } from './layout.ts';

/** Tells all that is wrong with a configuration file. */
export function validate({ terminal, operands, flags }: Invocation): number {
  const [file = ''] = operands;
  const { problems, policies } = loadFile(file, flags.has('env') ? terminal.env : withoutOwnVariables(terminal.env));
  const valid = problems.length === 0;
  if (flags.has('json')) {
    terminal.out(JSON.stringify({ file, valid, problems }, undefined, 2));
  } else if (valid) {
    const names = [...policies.keys()].join(', ');
    const [first = '', ...more] = wrap(`${file}: valid (policies: ${names})`, terminal.width);
    terminal.out([terminal.style('green', first), ...more].join('\n'));
  } else {
    terminal.out(terminal.style('red', `${printable(file)}: ${countOf(problems)}`));
    for (const problem of problems) terminal.out(`\n${problemText(problem, terminal)}`);
  }
  return valid ? EXIT.ok : EXIT.problems;
}
