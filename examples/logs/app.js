'use strict';
// An order service that logs with pino or winston, as LOGGER says, and asks the inventory for each order. It knows of
// request ids, as most do, and of neither OpenTelemetry nor resilience.
const http = require('node:http');

const loggers = {
  pino: () => {
    const logger = require('pino')();
    return { about: (fields) => logger.child(fields) };
  },
  winston: () => {
    const { createLogger, format, transports } = require('winston');
    const logger = createLogger({ format: format.json(), transports: [new transports.Console()] });
    return { about: (fields) => logger.child(fields) };
  },
};
const logger = loggers[process.env.LOGGER]();

const server = http.createServer(async (request, response) => {
  const log = logger.about({ request_id: request.headers['x-request-id'] });
  try {
    const answer = await fetch(process.env.INVENTORY_URL);
    if (!answer.ok) throw new Error(`the inventory answered ${answer.status}`);
    log.info(`order ${request.url} taken`);
    response.end('taken');
  } catch (error) {
    log.warn(`order ${request.url} put off: ${(error.cause ?? error).message}`);
    response.writeHead(503).end('put off');
  }
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit());
