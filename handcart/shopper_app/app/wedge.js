/**
 * Hardware scanners: they type a code as a keyboard would, fast, and often end it with Enter or Tab.
 */

const SILENCE_MS = 50;
const SHORTEST = 4;

/**
 * Collects what a scanner types and gives each code once: after Enter or Tab, or after 50 ms without a key. Shorter
 * texts are dropped: a person, not a scanner, pressed the keys.
 * @param {(text: string) => void} onCode
 */
export function wedge(onCode) {
  let text = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function end() {
    clearTimeout(timer);
    const code = text.trim();
    text = '';
    if (code.length >= SHORTEST) onCode(code);
  }

  /** @param {string} part */
  function add(part) {
    text += part;
    clearTimeout(timer);
    timer = setTimeout(end, SILENCE_MS);
  }

  return {
    add,
    /**
     * Takes a key; true if it was part of a code, so that the page must not act on it.
     * @param {{key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean}} event
     */
    press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return false;
      if (event.key === 'Enter' || event.key === 'Tab') {
        const isEnd = text.length >= SHORTEST;
        end();
        return isEnd;
      }
      if (event.key.length !== 1) return false;
      add(event.key);
      return true;
    },
  };
}
