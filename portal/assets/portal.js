// Every page works without this. It moves the focus to an error summary, stops double submissions, and unpacks a receipt
// from a scanned code.
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
