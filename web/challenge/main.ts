import { serve as serveFacts } from "../jsd/worker";
import { page } from "./page";
import { serve as serveWork } from "./working";

if (typeof document === "undefined") {
  serveFacts();
  serveWork();
} else {
  page((document.currentScript as HTMLScriptElement).src);
}
