// Types for idb.js.
export * from 'idb';
