/** Preact and htm: the one place that knows where they come from. */
export {
  Component, createContext, h, html, render, useCallback, useContext, useEffect, useErrorBoundary, useLayoutEffect,
  useMemo, useReducer, useRef, useState,
} from '../vendor/htm-preact.js';
