import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { dashboard } from './dashboard.ts';

/** `npm run dashboards`: what is generated here is committed, and a test says when it is stale. */
const file = path.resolve(__dirname, '../../../dashboards/grafana/resilience.json');
writeFileSync(file, `${JSON.stringify(dashboard(), undefined, 2)}\n`);
