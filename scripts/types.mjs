// Rolls the type declarations of the public names up into one file beside the bundle, so that what is internal is out of
// reach. Only for packing: it takes a few seconds.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

const config = ExtractorConfig.prepare({
  configObjectFullPath: path.join(root, 'api-extractor.json'),
  packageJsonFullPath: path.join(root, 'package.json'),
  configObject: {
    projectFolder: root,
    mainEntryPointFilePath: path.join(root, 'build/src/index.d.ts'),
    compiler: { tsconfigFilePath: path.join(root, 'scripts/types.tsconfig.json') },
    apiReport: { enabled: false },
    docModel: { enabled: false },
    tsdocMetadata: { enabled: false },
    dtsRollup: { enabled: true, untrimmedFilePath: path.join(dist, 'index.d.ts') },
    messages: {
      compilerMessageReporting: { default: { logLevel: 'error' } },
      // Release tags are not used here, and doc comments are written for people.
      extractorMessageReporting: { default: { logLevel: 'none' } },
      tsdocMessageReporting: { default: { logLevel: 'none' } },
    },
  },
});
const { succeeded } = Extractor.invoke(config, { localBuild: true, showVerboseMessages: false });
if (!succeeded) process.exit(1);
writeFileSync(path.join(dist, 'register.d.ts'), 'export {};\n');
