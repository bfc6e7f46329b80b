// A frame of our own: a document and a navigator that neither the page nor its scripts touched.

export function open(width: number, height: number): HTMLIFrameElement {
  const frame = document.createElement("iframe");
  const style: Record<string, string> = {
    position: "absolute", left: "-9999px", top: "0", width: width + "px", height: height + "px", border: "0",
    visibility: "hidden", display: "block", margin: "0", padding: "0", "min-width": "0", "min-height": "0",
    "max-width": "none", "max-height": "none", transform: "none", zoom: "1", "box-sizing": "content-box",
    contain: "strict",
  };
  for (const name in style) {
    frame.style.setProperty(name, style[name]!, "important"); // the page's own rules for frames are not for this one
  }
  frame.setAttribute("aria-hidden", "true");
  frame.tabIndex = -1;
  (document.body || document.documentElement).appendChild(frame);
  const inside = frame.contentDocument;
  if (!inside || !inside.body) { // somebody forbids frames
    frame.remove();
    throw new Error("no frame");
  }
  inside.documentElement.style.setProperty("overflow", "hidden");
  inside.documentElement.style.setProperty("visibility", "visible");
  inside.body.style.setProperty("margin", "0");
  return frame;
}

/** Whether anything in the frame is laid out: blockers hide frames, and then nothing is. */
export function isShown(frame: HTMLIFrameElement): boolean {
  return frame.contentDocument!.documentElement.getBoundingClientRect().width > 0;
}

/**
 * A place in the page itself that no rule of the page reaches, for want of a frame. Throws where the page is not shown
 * either, as in a hidden frame of the site's own: that is nobody's fault, and nothing is reported.
 */
export function refuge(): { host: HTMLElement; root: ShadowRoot } {
  const here = document.documentElement.getBoundingClientRect().width > 0;
  if (!window.innerWidth || !window.innerHeight || (!here && window !== window.top)) {
    throw new Error("not shown");
  }
  const host = document.createElement("div");
  const style: Record<string, string> = {
    all: "initial", position: "fixed", left: "0", top: "0", width: "0", height: "0", visibility: "hidden",
    "pointer-events": "none", "z-index": "-1",
  };
  for (const name in style) {
    host.style.setProperty(name, style[name]!, "important");
  }
  document.documentElement.appendChild(host);
  return { host, root: host.attachShadow({ mode: "closed" }) };
}
