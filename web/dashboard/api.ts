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
  const response = await reach(method, path, body, signal, "application/json");
  return answered<T>(response.status, response.ok, await response.text());
}

/** Ask for something that takes its time: `tell` hears how far it is, until the answer is there. Throws `Failure`. */
export async function follow<T, P>(
  path: string,
  body: unknown,
  signal: AbortSignal,
  tell: (progress: P) => void,
): Promise<T> {
  const response = await reach("POST", path, body, signal, "application/x-ndjson, application/json");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    const lines = (rest + part.value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const { progress } = JSON.parse(line) as { progress?: P };
      if (progress === undefined) rest = line;
      else tell(progress);
    }
  }
  const failed = (parsed(rest) as { error?: unknown } | null)?.error !== undefined;
  return answered<T>(response.status, response.ok && !failed, rest);
}

async function reach(
  method: string,
  path: string,
  body: unknown,
  signal: AbortSignal | null,
  accept: string,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept };
  const token = sessionStorage.getItem(KEEP);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (method !== "GET") headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
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
}

function answered<T>(status: number, well: boolean, said: string): T {
  const answer = parsed(said);
  if (well && answer !== null) return answer as T;
  if (status === 401) for (const tell of doors) tell(true);
  throw new Failure(status, reason(answer) || text.states.status(status), answer);
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return null; // a page of something in between
  }
}

function reason(answer: unknown): string {
  const error = (answer as { error?: unknown } | null)?.error;
  return typeof error === "string" ? error : "";
}
