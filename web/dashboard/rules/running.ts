// A trial of a rule on recorded requests: how far it is, what came of it, and its end when something else is looked at.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, follow } from "../api";
import { type Tried } from "./trial";

export interface Progress {
  scanned: number;
  of: number;
  matched: number;
  since: number;
}

export interface Running {
  tried: Tried | null;
  of: string; // the question that it answers
  progress: Progress | null;
  busy: boolean;
  failure: Failure | null;
  run: (body: unknown) => void;
  stop: () => void;
}

const NOTHING = { tried: null, of: "", progress: null, busy: false, failure: null };

/** Trials of one question after the other; another question ends the one that runs. */
export function useTrial(question: string): Running {
  const [state, set] = useState<Omit<Running, "run" | "stop">>(NOTHING);
  const running = useRef<AbortController | null>(null);
  const stop = (): void => {
    running.current?.abort();
    running.current = null;
    set((before) => ({ ...before, busy: false, progress: null }));
  };
  useEffect(() => stop, [question]);
  const run = (body: unknown): void => {
    running.current?.abort();
    const mine = (running.current = new AbortController());
    const still = (): boolean => running.current === mine;
    set({ ...NOTHING, busy: true, of: question });
    follow<Tried, Progress>("/api/simulate", body, mine.signal, (progress) => {
      if (still()) set((before) => ({ ...before, progress }));
    }).then(
      (tried) => {
        if (still()) set({ ...NOTHING, tried, of: question });
      },
      (error: unknown) => {
        if (still()) set({ ...NOTHING, of: question, failure: error instanceof Failure ? error : new Failure(0, String(error)) });
      },
    );
  };
  return { ...state, run, stop };
}
