// Makes what is published, from src/ to dist/: one file for the runtime, so that start-up reads one file; the YAML parser,
// the status page's server and the command line apart, since few processes need them. `index.js` and `register.js` are
// stubs onto the one runtime: a second copy would be a second set of circuits, and of error classes.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import esbuild from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** Files of their own, by the module in src/ that is loaded when it is needed. */
const APART = { 'src/status/serve.ts': './status.js', 'src/config/yaml.ts': './yaml.js' };

const apart = {
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: /^\.\.?\// }, ({ path: target, resolveDir, kind }) => {
      if (kind !== 'require-call') return undefined;
      const file = path.relative(root, path.resolve(resolveDir, target)).replace(/\.js$/, '.ts');
      return APART[file] === undefined ? undefined : { path: APART[file], external: true };
    });
  },
};

const banner = `/*! ${manifest.name} ${manifest.version}, ${manifest.license} */`;
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  external: ['@opentelemetry/*'],
  plugins: [apart],
  // Names are kept: they stand in stack traces and in `error.name`.
  keepNames: false,
  minifySyntax: true,
  minifyWhitespace: false,
  legalComments: 'none',
  banner: { js: banner },
  metafile: true,
  logLevel: 'warning',
};

const packages = new Set();

async function bundle(entry, outfile, options = {}) {
  const { metafile } = await esbuild.build({
    ...common,
    entryPoints: [entry],
    outfile: path.join('dist', outfile),
    ...options,
  });
  for (const input of Object.keys(metafile.inputs)) {
    const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
    if (name !== undefined) packages.add(name);
  }
}

/** The licences of the packages that are part of the files, as they ask for. */
function thirdParty() {
  return [...packages].sort().map((name) => {
    const folder = path.join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const text = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license'].map((file) => {
      try {
        return readFileSync(path.join(folder, file), 'utf8').trim();
      } catch {
        return '';
      }
    });
    const found = text.find((one) => one !== '');
    if (found === undefined) throw new Error(`${name} comes without the text of its licence`);
    return `${name} ${version} (${license})\n\n${found}\n`;
  });
}

rmSync(dist, { recursive: true, force: true });
await mkdir(dist);
await bundle('src/lib.ts', 'lib.js');
await bundle('src/config/yaml.ts', 'yaml.js');
await bundle('src/status/serve.ts', 'status.js');
await bundle('src/cli/main.ts', 'cli.js');
await copyFile(path.join(root, 'build/src/status/page.html'), path.join(dist, 'page.html'));
writeFileSync(path.join(dist, 'THIRD-PARTY-LICENSES.txt'), thirdParty().join(`\n${'-'.repeat(80)}\n\n`));
