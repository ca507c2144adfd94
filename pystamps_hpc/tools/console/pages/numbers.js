// Numbers as people read them: steps of axes, degrees, lengths.

const MINUS = "\u2212";

/** A number with some decimals and a real minus; "–" of null. */
export function shown(value, decimals = 1, sign = false) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(decimals);
  const zero = Number(text) === 0;
  return (value < 0 && !zero ? MINUS : sign && !zero ? "+" : "") + text;
}

/** A text that begins with a capital letter. */
export function capital(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The step of an axis: 1, 2 or 5 times a power of ten, at most `most` of them in a span. */
export function stepOf(span, most) {
  const least = span / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least * 0.999);
}

/** The largest of 1, 2 or 5 times a power of ten that is not above a number. */
export function roundBelow(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [5, 2, 1].map((each) => each * power).find((each) => each <= value * 1.001);
}

/** Round values of an axis between two ends. */
export function ticks(low, high, most) {
  if (!(high > low)) return [low];
  const step = stepOf(high - low, most);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) found.push(k * step);
  return found;
}

/** Decimals that tell the values of a step apart. */
export function decimalsOf(step) {
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

/** Degrees with the letter of their side, 12.35°E. */
export function degrees(value, sides, decimals) {
  const turned = sides === "EW" && Math.abs(value) > 180 ? value - 360 * Math.round(value / 360) : value;
  return `${Math.abs(turned).toFixed(decimals)}°${sides[turned < 0 ? 1 : 0]}`;
}

/** A length in m or km. */
export function metres(value) {
  if (value >= 1000) return `${Number((value / 1000).toPrecision(3))} km`;
  return `${Number(value.toPrecision(3))} m`;
}

/** Days since 1970 of a date, 2016-06-07. */
export function dayOf(date) {
  return Date.parse(`${date}T00:00:00Z`) / 86_400_000;
}

/** The date of days since 1970. */
export function dateOf(day) {
  return new Date(Math.round(day) * 86_400_000).toISOString().slice(0, 10);
}

/** Round dates of an axis: days since 1970 and what is written there. */
export function dateTicks(first, last, most) {
  const years = (last - first) / 365.25;
  const months = [1, 2, 3, 6, 12, 24, 60, 120].find((each) => (years * 12) / each <= most) ?? 240;
  const start = new Date(first * 86_400_000);
  const found = [];
  for (let k = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months); ; k += 1) {
    const day = Date.UTC(Math.floor((k * months) / 12), (k * months) % 12, 1) / 86_400_000;
    if (day > last) return found;
    if (day >= first) found.push([day, months >= 12 ? dateOf(day).slice(0, 4) : dateOf(day).slice(0, 7)]);
  }
}
