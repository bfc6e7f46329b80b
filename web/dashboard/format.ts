// Numbers, times and names for people, as their browser's language writes them.
import { text } from "./text";

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const stamp = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});
const regions = new Intl.DisplayNames(undefined, { type: "region", fallback: "none" });

export const count = (number: number): string => whole.format(number);
export const compact = (number: number): string => short.format(number);

/** A part of a whole; "under 0.1 %" is not 0. */
export function percent(part: number, all: number): string {
  if (!all) return text.none;
  const value = part / all;
  return value > 0 && value < 0.001 ? `<${share.format(0.001)}` : share.format(value);
}

export const time = (seconds: number): string => clock.format(seconds * 1000);
export const moment = (seconds: number): string => stamp.format(seconds * 1000);

export function bytes(number: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (number >= 1024 && at < units.length - 1) {
    number /= 1024;
    at += 1;
  }
  return `${number >= 100 || at === 0 ? Math.round(number) : number.toFixed(1)} ${units[at]}`;
}

/** The name of a country by its code; "" for codes that are none. */
export function country(code: string): string {
  if (code === "T1") return "Tor";
  try {
    return /^[A-Z]{2}$/.test(code) ? (regions.of(code) ?? "") : "";
  } catch {
    return "";
  }
}

/** So long, in words. */
export function duration(seconds: number): string {
  for (const [length, word] of text.lengths) {
    if (seconds >= length && seconds % length === 0) return word(seconds / length);
  }
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 120 ? text.minutes(minutes) : text.hours(Math.round(minutes / 60));
}
