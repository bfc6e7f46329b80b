// Asking the admin listener, with the token where it wants one.
import { text } from "./text";

const KEEP = "botproxy-token";

/** An answer that is none; `status` 0 when there was no answer. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly body: unknown = null,
  ) {
    super(message);
  }
}

const doors = new Set<(locked: boolean) => void>();

/** Be told when a token is wanted, and when it was given. */
export function onLocked(tell: (locked: boolean) => void): () => void {
  doors.add(tell);
  return () => void doors.delete(tell);
}

export function keepToken(token: string): void {
  if (token) sessionStorage.setItem(KEEP, token);
  else sessionStorage.removeItem(KEEP);
  for (const tell of doors) tell(false);
}

export function hasToken(): boolean {
  return Boolean(sessionStorage.getItem(KEEP));
}

/** Ask; the answer as JSON. Throws `Failure`. */
export async function ask<T>(
  path: string,
  given: Record<string, string> = {},
  signal: AbortSignal | null = null,
): Promise<T> {
  const query = new URLSearchParams(given).toString();
  return send<T>("GET", path + (query ? `?${query}` : ""), undefined, signal);
}

/** Ask for a change; the answer as JSON. Throws `Failure`. */
export async function send<T>(
  method: string,
  path: string,
  body?: unknown,
  signal: AbortSignal | null = null,
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const token = sessionStorage.getItem(KEEP);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (method !== "GET") headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      signal,
      credentials: "same-origin",
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failure(0, text.states.away);
  }
  const said = await response.text();
  let answer: unknown = null;
  try {
    answer = JSON.parse(said);
  } catch {
    // A page of something in between.
  }
  if (response.ok && answer !== null) return answer as T;
  if (response.status === 401) for (const tell of doors) tell(true);
  throw new Failure(response.status, reason(answer) || text.states.status(response.status), answer);
}

function reason(answer: unknown): string {
  const error = (answer as { error?: unknown } | null)?.error;
  return typeof error === "string" ? error : "";
}
