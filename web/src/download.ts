// Gives the visitor a file, or a line on the clipboard.

function offer(name: string, blob: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has taken its own hold of the blob by the next turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}

export function saveText(name: string, type: "text/csv" | "application/json", text: string): void {
  offer(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

export function saveCanvas(name: string, canvas: HTMLCanvasElement): void {
  canvas.toBlob((blob) => blob && offer(name, blob), "image/png");
}

/** False where the browser refuses: without HTTPS there is no clipboard but on this very machine. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
