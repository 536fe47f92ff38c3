// Puts the status page together: markup, style and script in one file that loads nothing else. Run by `npm run build`
// after the page's own TypeScript has been compiled to build/page.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const uplot = path.dirname(require.resolve('uplot/package.json'));
const read = (...parts) => readFileSync(path.join(...parts), 'utf8');

/** The compiled modules that the entry reaches, each as a function of its name. */
function bundle(entry, packages) {
  const modules = new Map();
  const add = (file) => {
    if (modules.has(file)) return;
    modules.set(file, '');
    const code = read(file).replaceAll(/\brequire\("([^"]+)"\)/g, (_all, name) => {
      if (packages[name] !== undefined) {
        modules.set(name, packages[name]);
        return `load(${JSON.stringify(name)})`;
      }
      const target = path.resolve(path.dirname(file), name);
      if (!existsSync(target)) throw new Error(`${file}: ${name} is nothing that the page can hold`);
      add(target);
      return `load(${JSON.stringify(path.relative(root, target))})`;
    });
    modules.set(file, code);
  };
  add(entry);
  const functions = Array.from(modules, ([file, code]) => {
    const name = packages[file] === undefined ? path.relative(root, file) : file;
    return `${JSON.stringify(name)}(module, exports) {\n${code}\n}`;
  });
  return `(() => {
const made = new Map();
const load = (name) => {
  if (!made.has(name)) {
    const module = { exports: {} };
    made.set(name, module);
    definitions[name](module, module.exports);
  }
  return made.get(name).exports;
};
const definitions = {
${functions.join(',\n')}
};
load(${JSON.stringify(path.relative(root, entry))});
})();`;
}

/** Puts `body` into the one empty element of that name. */
function fill(html, name, body) {
  if (body.toLowerCase().includes(`</${name}`)) throw new Error(`the ${name} would end early`);
  const empty = `<${name}></${name}>`;
  if (html.split(empty).length !== 2) throw new Error(`expected one ${empty}`);
  return html.replace(empty, () => `<${name}>\n${body}\n</${name}>`);
}

const licence = `/*!\nuPlot, https://github.com/leeoniya/uPlot\n${read(uplot, 'LICENSE')}*/\n`;
const script = bundle(path.join(root, 'build/page/page/app.js'), {
  uplot: `${licence}${read(uplot, 'dist/uPlot.iife.min.js')}\nmodule.exports = uPlot;`,
});
const style = `${read(uplot, 'dist/uPlot.min.css')}\n${read(root, 'src/status/page/page.css')}`;
const page = fill(fill(read(root, 'src/status/page/page.html'), 'style', style), 'script', script);
writeFileSync(path.join(root, 'build/src/status/page.html'), page);
