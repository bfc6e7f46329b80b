// For the laboratory alone: a page there calls the collector by hand.
import { collect } from "../jsd/collect";
import { serve } from "../jsd/worker";

if (typeof document === "undefined") {
  serve();
} else {
  const script = (document.currentScript as HTMLScriptElement).src;
  (window as unknown as { collect: unknown }).collect = (seed: string) => collect(seed, script);
}
