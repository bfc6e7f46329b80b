// How what is recorded gets to where it is kept: the event store, and the log exports.
import { type ComponentChildren } from "preact";
import { useAsk } from "../answers";
import { bytes, count, moment } from "../format";
import { text } from "../text";
import { Card, States } from "./card";

const words = text.recording;

interface Spilled {
  spilled: number;
  spilled_bytes: number;
  spilled_since: number; // seconds since 1970; 0 where nothing waits
}

interface Store extends Spilled {
  backend: string;
  state: string;
  detail: string;
  stored: number;
  dropped: number;
  left_out: number;
  interval: number;
  waiting: number;
  size: number;
  oldest: number | null;
}

interface Export extends Spilled {
  name: string;
  sent: number;
  failures: number;
  waiting_bytes: number;
  dropped: Record<string, number>;
}

export interface Status {
  store: Store | null;
  zones: string[];
  exports: Export[];
}

const onDisk = (one: Spilled): string =>
  one.spilled ? words.onDisk(count(one.spilled), bytes(one.spilled_bytes), moment(one.spilled_since)) : text.none;

/** What an operator has to know before they believe the numbers of a page; nothing when all is well. */
export function Trusted({ status }: { status: Status | null }): ComponentChildren {
  const store = status?.store;
  const behind = store && store.state === "open" && store.spilled > 0;
  const held = (status?.exports ?? []).filter((one) => one.spilled > 0);
  return (
    <>
      {store && store.state !== "open" && (
        <p class="warning" role="status">
          <strong>{text.states.store(store.state)}</strong>
          {store.detail}
          {store.spilled > 0 && ` (${onDisk(store)})`}
        </p>
      )}
      {behind && (
        <p class="warning" role="status">
          <strong>{words.behind}</strong>
          {onDisk(store)}
        </p>
      )}
      {held.length > 0 && (
        <p class="warning" role="status">
          <strong>{words.held}</strong>
          {held.map((one) => `${one.name}: ${onDisk(one)}`).join("; ")}
        </p>
      )}
    </>
  );
}

export function Recording(): ComponentChildren {
  const answer = useAsk<Status>("/api/analytics/status");
  return (
    <Card title={words.title} busy={answer.loading}>
      <States of={answer}>{(status) => <Parts status={status} />}</States>
    </Card>
  );
}

function Parts({ status }: { status: Status }): ComponentChildren {
  const store = status.store;
  const exports = status.exports ?? [];
  return (
    <>
      {!store && <p class="soft">{text.states.noStore}</p>}
      {store && (
        <dl class="facts recording">
          {facts(store).map(([name, value, wrong]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class={wrong ? "wrong" : ""}>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {exports.length > 0 && (
        <div class="scroll tall" tabIndex={0} role="group" aria-label={words.exports}>
          <table class="grid exports">
            <thead>
              <tr>
                <th scope="col">{words.exports}</th>
                <th scope="col" class="number">{words.sent}</th>
                <th scope="col" class="number">{words.failures}</th>
                <th scope="col" class="number">{words.memory}</th>
                <th scope="col">{words.disk}</th>
                <th scope="col">{words.dropped}</th>
              </tr>
            </thead>
            <tbody>
              {exports.map((one) => (
                <tr key={one.name}>
                  <th scope="row">{one.name}</th>
                  <td class="number">{count(one.sent)}</td>
                  <td class="number">{count(one.failures)}</td>
                  <td class="number">{bytes(one.waiting_bytes)}</td>
                  <td>{onDisk(one)}</td>
                  <td class={Object.keys(one.dropped).length ? "wrong" : ""}>{lost(one.dropped)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function facts(store: Store): [string, string, boolean][] {
  return [
    [words.store, `${words.backends[store.backend] ?? store.backend} · ${words.states[store.state] ?? store.state}`, store.state !== "open"],
    ...(store.detail ? [[words.detail, store.detail, false] as [string, string, boolean]] : []),
    [words.stored, count(store.stored), false],
    [words.memory, text.requests(store.waiting - store.spilled), false],
    [words.disk, onDisk(store), false],
    [words.dropped, count(store.dropped), store.dropped > 0],
    ...(store.interval > 1 || store.left_out ? [[words.sampled, words.sampling(store.interval, count(store.left_out)), false] as [string, string, boolean]] : []),
    [words.size, bytes(store.size), false],
    ...(store.oldest === null ? [] : [[words.oldest, moment(store.oldest / 1e6), false] as [string, string, boolean]]),
  ];
}

const lost = (dropped: Record<string, number>): string =>
  Object.entries(dropped)
    .map(([why, number]) => words.lost[why]?.(count(number)) ?? `${count(number)} (${why})`)
    .join(", ") || text.none;
