// Serve the shop: `node server.mjs PORT` with BENCH_DATABASE set.
import { createRequire } from 'node:module';
import { config } from './config.mjs';

const { bootstrap } = createRequire(import.meta.url)('@vendure/core');
await bootstrap(config(Number(process.argv[2]), false));
