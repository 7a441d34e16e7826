// Shows the pictures of the static gallery files, the newest first. Reads the next file when the end
// of the page comes near.

const page = document.querySelector("main");
const state = document.querySelector("#state");
let files = [];

async function read(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new Error(path + ": " + response.status);
  return response.json();
}

function tile(photo) {
  const [largest] = photo.images;
  const smallest = photo.images.at(-1);
  const image = new Image(smallest.width, smallest.height);
  image.loading = "lazy";
  image.alt = photo.alt ?? photo.title ?? "";
  image.style.backgroundColor = photo.color ?? "";
  image.sizes = "(min-width: 40rem) 20rem, 45vw";
  image.srcset = photo.images.map(({ url, width }) => url + " " + width + "w").join(", ");
  image.src = smallest.url;
  const link = document.createElement("a");
  link.href = largest.url;
  link.append(image);
  return link;
}

async function showNext() {
  const file = files.shift();
  if (!file) return false;
  const { items } = await read(file);
  page.append(...items.reverse().filter((photo) => photo.images.length).map(tile));
  return true;
}

// The end is near if less than one screen is left below the window.
const endIsNear = () => state.getBoundingClientRect().top < 2 * innerHeight;

let busy = false;
async function fill() {
  if (busy) return;
  busy = true;
  try {
    while (endIsNear() && (await showNext()));
    state.textContent = files.length ? "Loading…" : page.children.length ? "" : "There are no pictures yet.";
  } catch (error) {
    state.textContent = "The pictures cannot be loaded: " + error.message;
  }
  busy = false;
}

try {
  const { months } = await read("index.json");
  // The files of a month are in the order of time, and the page shows the newest photos first.
  files = months.flatMap((month) => month.files.map(({ path }) => path).reverse());
} catch {
  // Publish writes the index when the first photo comes.
}
await fill();
addEventListener("scroll", fill, { passive: true });
addEventListener("resize", fill, { passive: true });
