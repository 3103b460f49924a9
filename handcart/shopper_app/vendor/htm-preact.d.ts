// Types for htm-preact.js, which comes without.
export { Component, createContext, h, render } from 'preact';
export {
  useCallback, useContext, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from 'preact/hooks';
export function html(strings: TemplateStringsArray, ...values: unknown[]): import('preact').VNode<any>;
