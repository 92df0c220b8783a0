// Every page works without this. It moves the focus to an error summary and stops double submissions.
import { initAll } from "./govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();
