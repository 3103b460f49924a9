// A shop on SQLite, WAL with full synchronous commits; bearer tokens, no jobs, no search index, no e-mail: what placing
// an order does not need is left out.
//
// Environment: BENCH_DATABASE (path of the SQLite file).
import { createRequire } from 'node:module';

const { DefaultLogger, LogLevel, dummyPaymentHandler } = createRequire(import.meta.url)('@vendure/core');

export const config = (port, synchronize) => ({
  apiOptions: { hostname: '127.0.0.1', port, introspection: false },
  authOptions: { tokenMethod: 'bearer', superadminCredentials: { identifier: 'bench', password: 'bench' } },
  dbConnectionOptions: {
    type: 'better-sqlite3',
    database: process.env.BENCH_DATABASE,
    synchronize,
    prepareDatabase: (database) => {
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
    },
  },
  logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: false }),
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  plugins: [],
});
