// The style sheet of the gallery.

import { styleSheet } from "./style-sheet.js";

export const GALLERY_STYLES = styleSheet(`
:host {
  --gap: var(--photo-gallery-gap, 4px);
  --text: var(--photo-gallery-color, light-dark(#1d1d1f, #ececf1));
  --muted: var(--photo-gallery-muted-color, light-dark(#5c5c63, #b4b4bd));
  --surface: var(--photo-gallery-background, light-dark(#fff, #111114));
  --accent: var(--photo-gallery-accent, light-dark(#0b57d0, #8ab4f8));
  display: block; position: relative; color: var(--text); background: var(--surface);
  color-scheme: var(--photo-gallery-color-scheme, light dark);
  font: 15px/1.4 var(--photo-gallery-font, system-ui, sans-serif);
}
:host([hidden]) { display: none; }
button { font: inherit; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.canvas { position: relative; overflow: clip; overflow-anchor: none; }
section { position: absolute; left: 0; top: 0; }
section.waiting { background: repeating-linear-gradient(#8883 0 var(--row), #0000 var(--row) calc(var(--row) + 4px)) 0 48px; }
h2 { font-size: 16px; line-height: 24px; margin: 16px 0 8px; position: absolute; width: 100%; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.tile {
  position: absolute; overflow: hidden; border-radius: var(--photo-gallery-radius, 0);
  background-color: var(--photo-gallery-tile-color, #8883);
}
.tile canvas, .tile img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
.tile span { color: var(--text); position: absolute; inset: 0; display: grid; place-content: center; padding: 4px; text-align: center; overflow-wrap: anywhere; }
.tile:focus-visible { outline-offset: -3px; box-shadow: inset 0 0 0 5px #fff; z-index: 1; }
.message { padding: 48px 16px; text-align: center; color: var(--muted); }
.message:empty { display: none; }
.scrubber {
  position: sticky; top: 0; float: right; width: 0; height: 0; z-index: 2;
}
.track {
  position: absolute; right: 0; top: 8px; width: 44px; touch-action: none; cursor: ns-resize;
  border-radius: 8px; opacity: 0; pointer-events: none; transition: opacity .2s;
}
:host(:hover) .track, .track:focus-visible, .track.active, .track.moving { opacity: 1; pointer-events: auto; }
.thumb { position: absolute; right: 0; width: 28px; height: 3px; border-radius: 2px; background: var(--accent); }
.year { position: absolute; right: 2px; font-size: 12px; line-height: 16px; padding: 0 4px; border-radius: 4px; background: var(--surface); color: var(--text); }
.bubble {
  position: absolute; right: 48px; transform: translateY(-50%); white-space: nowrap; padding: 4px 12px;
  border-radius: 999px; background: var(--text); color: var(--surface); display: none;
}
.track:hover .bubble, .track:focus-visible .bubble, .track.active .bubble { display: block; }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }
@media print { .scrubber, .toolbar { display: none; } }
`);
