// Runs before the first paint: <html data-theme> is right at once, so that nothing flashes.
import { applyTheme, readTheme } from "./state/theme-store";

applyTheme(readTheme());
