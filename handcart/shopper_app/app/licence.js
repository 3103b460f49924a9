/**
 * The date of birth in the PDF417 of a driver's licence of the United States or Canada (AAMVA DL/ID Card Design
 * Standard, element DBB). Nothing else is read, and nothing is kept or sent: only whether the person is old enough.
 */

/**
 * The date of birth as YYYY-MM-DD; null if the text is no licence.
 * @param {string} text
 * @returns {string | null}
 */
export function birthday(text) {
  if (!/ANSI |AAMVA/.test(text)) return null;
  const digits = /(?:^|[\n\r\x1e]|DL|ID)DBB(\d{8})/.exec(text)?.[1];
  if (!digits) return null;
  // Canada writes the year first, the United States the month; a year never looks like a month.
  const [year, month, day] = Number(digits.slice(0, 2)) > 12
    ? [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6)]
    : [digits.slice(4), digits.slice(0, 2), digits.slice(2, 4)];
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return date.getUTCDate() === Number(day) ? `${year}-${month}-${day}` : null;
}

/**
 * Whether a person is old enough on a day. Born on 29 February: from 1 March in other years.
 * @param {string} born YYYY-MM-DD
 * @param {number} years
 * @param {string} today YYYY-MM-DD, in the time zone of the place
 */
export function isOfAge(born, years, today) {
  const [year, rest] = [Number(born.slice(0, 4)), born.slice(4)];
  return `${year + years}${rest}` <= today;
}
