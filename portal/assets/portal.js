// Every page works without this. It moves the focus to an error summary, stops double submissions, unpacks a receipt
// from a scanned code, and leaves a page at once.
import { initAll } from "./govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

// A certificate's code holds the receipt behind the #, which stays in the browser: deflated, in base64url.
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).text();
}

const receipt = document.querySelector("[data-portal-receipt] [name=receipt_text]");
if (receipt && location.hash.length > 100) {
  unpack(location.hash.slice(1)).then(
    (text) => {
      receipt.value = text;
      history.replaceState(null, "", location.pathname);
      receipt.form.querySelector("button[type=submit]").focus();
    },
    () => {}, // not a receipt: the form stays empty and says what it needs
  );
}

// "Exit this page": the page is blank at once, and the next one takes its place in the history. Shift pressed three times
// within five seconds does the same.
const exit = document.querySelector("[data-portal-exit]");
if (exit) {
  const leave = (event) => {
    event.preventDefault();
    document.body.hidden = true;
    location.replace(exit.href);
  };
  exit.addEventListener("click", leave);
  let pressed = [];
  document.addEventListener("keyup", (event) => {
    pressed = event.key === "Shift" ? [...pressed, event.timeStamp].filter((at) => event.timeStamp - at < 5000) : [];
    if (pressed.length === 3) leave(event);
  });
}
