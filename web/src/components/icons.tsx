// The icons of the page, drawn on a 16 × 16 grid in the colour of their text.

const kPaths = {
  online: <circle cx="8" cy="8" r="4.5" fill="currentColor" stroke="none" />,
  stale: (
    <>
      <circle cx="8" cy="8" r="4.75" />
      <path d="M8 3.25 a4.75 4.75 0 0 1 0 9.5 z" fill="currentColor" stroke="none" />
    </>
  ),
  offline: <rect x="4" y="4" width="8" height="8" rx="1" fill="currentColor" stroke="none" />,
  archived: <path d="M2.5 3h11v3h-11z M3.5 6v7h9V6 M6.5 9h3" />,
  warn: <path d="M8 2.5 14 13H2z M8 6.5v3 M8 11.3v.2" />,
  crit: <path d="M8 1.8 14.2 8 8 14.2 1.8 8z M8 5v3.5 M8 10.8v.2" />,
  search: <path d="M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z M10.3 10.3 14 14" />,
  close: <path d="M4 4l8 8 M12 4l-8 8" />,
  chevron: <path d="M4 6l4 4 4-4" />,
  system: <path d="M2 3h12v8H2z M6 14h4 M8 11v3" />,
  light: (
    <>
      <circle cx="8" cy="8" r="3" />
      <path d="M8 1v1.5 M8 13.5V15 M1 8h1.5 M13.5 8H15 M3.05 3.050l1.06 1.06 M11.89 11.890l1.06 1.06 M3.05 12.950l1.06-1.06 M11.89 4.110l1.06-1.06" />
    </>
  ),
  dark: <path d="M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z" />,
  compare: <path d="M5 13V3 M11 13V3 M2.5 5.5 5 3l2.5 2.5 M8.5 10.5 11 13l2.5-2.5" />,
  plus: <path d="M8 3v10 M3 8h10" />,
  copy: <path d="M6 5.500V3h7v7h-2.500 M3 6h7v7H3z" />,
  check: <path d="M3 8.500l3.500 3.500L13 4.500" />,
  edit: <path d="M3 13l.8-3.200L10.500 3l2.500 2.500-6.800 6.800z" />,
  settings: (
    <>
      <path d="M2 4.500h6 M12 4.500h2 M2 11.500h2 M8 11.500h6" />
      <circle cx="10" cy="4.500" r="2" />
      <circle cx="6" cy="11.500" r="2" />
    </>
  ),
  down: <path d="M8 3v9.5 M4 8.5l4 4 4-4" />,
  menu: <path d="M8 3.2v.1 M8 8v.1 M8 12.800v.1" stroke-width="2.4" />,
  left: <path d="M10 3.5 5.500 8l4.500 4.500" />,
  right: <path d="M6 3.500 10.500 8 6 12.500" />,
  up: <path d="M8 13V3.5 M4 7.5l4-4 4 4" />,
} as const;

export type IconName = keyof typeof kPaths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      class={`icon icon-${name}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {kPaths[name]}
    </svg>
  );
}
