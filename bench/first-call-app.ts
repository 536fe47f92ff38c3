import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** An app that makes one call, and says when that was answered, and what the process had cost by then. */
const server = http.createServer((_request, response) => response.end('ok'));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  http.get({ host: '127.0.0.1', port, agent: false }, (response) => {
    response.resume().on('end', () => {
      const { user, system } = process.cpuUsage();
      process.stdout.write(JSON.stringify({ wallMs: performance.now(), cpuMs: (user + system) / 1000 }));
      server.close();
    });
  });
});
