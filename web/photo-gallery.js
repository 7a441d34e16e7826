customElements.define("photo-gallery", class extends HTMLElement {});
export {};
