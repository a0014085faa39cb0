// What a visitor has chosen, kept in this browser; nothing else is.

export function readKept(key: string): string | null {
  try {
    return localStorage.getItem(`sysmon-${key}`);
  } catch {
    return null; // storage is switched off
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(`sysmon-${key}`, value);
  } catch {
    // Storage is switched off: the choice lasts until the page is closed.
  }
}
