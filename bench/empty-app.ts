/** An app that does nothing but say when its first line ran, and what the process had cost by then. */
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ wallMs: performance.now(), cpuMs: (user + system) / 1000 }));
