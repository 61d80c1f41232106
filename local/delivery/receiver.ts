import { validateHeaderName, validateHeaderValue } from "node:http";

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** The twin never calls out: an emulator that did could tell a production receiver about a push that never was. */
export function isOnThisMachine(url: string): boolean {
  return isHttpUrl(url) && ["127.0.0.1", "localhost"].includes(new URL(url).hostname);
}

export function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}
