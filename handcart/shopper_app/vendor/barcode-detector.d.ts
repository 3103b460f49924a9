// Types for barcode-detector.js.
export * from 'barcode-detector/dist/es/ponyfill';
