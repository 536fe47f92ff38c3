// Makes what is published, from src/ to dist/: one file for the runtime, so that start-up reads one file; the reading of
// configurations, the YAML parser, the status page's server and the command line apart, since few processes need them.
// `index.js` and `register.js` are thin entries onto the one runtime: a second copy would be a second set of circuits, and
// of error classes.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import esbuild from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** Modules that are files of their own, loaded when they are needed. */
const APART = {
  'src/config/load-documents.ts': './config.js',
  'src/status/serve.ts': './status.js',
};
/** What the entries hold themselves; all else that they import is the runtime's. */
const ENTRIES = ['src/index.ts', 'src/register.ts', 'src/instrumentation.ts', 'src/bootstrap/otel-base.ts'];

const sourceOf = (resolveDir, target) =>
  path.relative(root, path.resolve(resolveDir, target)).replaceAll(path.sep, '/').replace(/\.js$/, '.ts');

const apart = {
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: /^\.\.?\// }, ({ path: target, resolveDir, kind }) => {
      const file = kind === 'require-call' ? APART[sourceOf(resolveDir, target)] : undefined;
      return file === undefined ? undefined : { path: file, external: true };
    });
    build.onResolve({ filter: /^yaml$/ }, () => ({ path: './yaml.js', external: true }));
  },
};

const onTheRuntime = {
  name: 'on-the-runtime',
  setup(build) {
    build.onResolve({ filter: /^\.\.?\// }, ({ path: target, resolveDir }) =>
      ENTRIES.includes(sourceOf(resolveDir, target)) ? undefined : { path: './lib.js', external: true },
    );
  },
};

const packages = new Map();

async function bundle(entry, file, plugins) {
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: path.join('dist', file),
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    external: ['@opentelemetry/*'],
    plugins,
    // Readable in a stack trace and in a debugger: names and lines stay.
    minifySyntax: true,
    legalComments: 'none',
    banner: { js: `/*! ${manifest.name} ${manifest.version}, ${manifest.license}; see THIRD-PARTY-LICENSES.txt */` },
    metafile: true,
    logLevel: 'warning',
  });
  for (const input of Object.keys(metafile.inputs)) {
    const [folder, name] = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
    if (name !== undefined) packages.set(name, path.join(root, folder));
  }
}

/** The licences of the packages that are part of the files, with their texts, as they ask for. */
function licences() {
  return [...packages]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, folder]) => {
      const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
      for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license']) {
        try {
          return `${name} ${version} (${license})\n\n${readFileSync(path.join(folder, file), 'utf8').trim()}\n`;
        } catch {
          // Under another name.
        }
      }
      throw new Error(`${name} comes without the text of its licence`);
    });
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
await bundle('src/lib.ts', 'lib.js', [apart]);
await bundle('src/index.ts', 'index.js', [onTheRuntime]);
await bundle('src/register.ts', 'register.js', [onTheRuntime]);
await bundle('src/config/load-documents.ts', 'config.js', [apart]);
await bundle('node_modules/yaml/dist/index.js', 'yaml.js', []);
await bundle('src/status/serve.ts', 'status.js', [apart]);
await bundle('src/cli/main.ts', 'cli.js', [apart]);
await bundle('examples/demo/run.ts', 'demo.js', [apart]);
copyFileSync(path.join(root, 'build/src/status/page.html'), path.join(dist, 'page.html'));
// Of the status page, which its own script puts together.
packages.set('uplot', path.join(root, 'node_modules/uplot'));
writeFileSync(path.join(dist, 'THIRD-PARTY-LICENSES.txt'), licences().join(`\n${'-'.repeat(80)}\n\n`));
