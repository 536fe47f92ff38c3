import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, it } from 'mocha';
import { DESIGN } from './files.ts';

const ROOT = path.resolve(__dirname, '../../..');
const MAIN = path.join(ROOT, JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')).bin['otel-resilience']);

describe('the program otel-resilience', function () {
  this.timeout(30_000);
  let child: ChildProcess | undefined;

  afterEach(() => {
    child?.kill('SIGKILL');
  });

  function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH, ...env } });
    return child;
  }

  async function finish(of: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const said = { stdout: '', stderr: '' };
    of.stdout?.on('data', (chunk) => {
      said.stdout += chunk;
    });
    of.stderr?.on('data', (chunk) => {
      said.stderr += chunk;
    });
    const [code] = (await once(of, 'close')) as [number | null];
    return { code, ...said };
  }

  it('starts by itself, and exits with the code of the command', async () => {
    assert.match(readFileSync(MAIN, 'utf8'), /^#!\/usr\/bin\/env node\n/);
    const valid = await finish(start(['validate', DESIGN]));
    assert.deepEqual([valid.code, valid.stderr], [0, '']);
    assert.equal((await finish(start(['validate', '/nowhere']))).code, 2);
  });

  it('writes no colours into a pipe', async () => {
    const { stdout } = await finish(start(['explain', DESIGN, 'GET', 'https://a.example/'], { FORCE_COLOR: '1' }));
    assert.match(stdout, /circuit_breaker/);
    assert.ok(!stdout.includes('\u001b'));
  });

  it('ends quietly when nobody reads on', async () => {
    const running = start(['schema']);
    running.stdout?.destroy();
    const { stderr } = await finish(running);
    assert.equal(stderr, '');
  });

  it('loads neither the schema nor a parser to show help or status', async () => {
    const script = `
      process.argv = [process.execPath, 'otel-resilience', '--help'];
      process.stdout.write = () => true;
      require(${JSON.stringify(MAIN)});
      setImmediate(() => {
        const loaded = Object.keys(require.cache).filter((file) => file.includes('node_modules'));
        process.stderr.write(JSON.stringify(loaded));
      });`;
    child = spawn(process.execPath, ['-e', script]);
    assert.equal((await finish(child)).stderr, '[]');
  });

  it('ends watching on Ctrl-C with exit code 0', async () => {
    const server = http.createServer((_request, response) => response.end('{"upstreams":[]}'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const running = start(['status', String((server.address() as AddressInfo).port), '--watch']);
      const ended = finish(running);
      await once(running.stdout ?? running, 'data');
      running.kill('SIGINT');
      const { code, stdout } = await ended;
      assert.equal(code, 0);
      assert.match(stdout, /No upstream has been called yet/);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
