// Everything out as a file, and files in.
const $ = (id) => document.getElementById(id);

const ENDINGS = { json: "json", csv: "csv", ics: "ics", txt: "todotxt" };
const NAMES = { json: "docket.json", csv: "docket.csv", ics: "docket.ics", todotxt: "todo.txt" };

// useFiles lets the user of the page export and import tasks with the client that it
// has then. A file is imported after its user has seen what that would do.
export function useFiles(client, notify) {
  let chosen; // the file and its format

  async function working(work) {
    $("data").setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      notify(error.message);
    } finally {
      $("data").removeAttribute("aria-busy");
    }
  }

  $("export").addEventListener("submit", (event) => {
    event.preventDefault();
    const format = $("format").value;
    void working(async () => {
      const url = URL.createObjectURL(await client().export(format));
      Object.assign(document.createElement("a"), { href: url, download: NAMES[format] }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    });
  });

  function choose(file) {
    const format = ENDINGS[file.name.split(".").pop().toLowerCase()];
    if (!format) return notify(`“${file.name}” is no file that can be imported. Choose one that ends in .json, .csv, .ics or .txt.`);
    void working(async () => {
      const result = await client().import(file, { format, dryRun: true });
      chosen = { file, format };
      show(file, result);
    });
  }

  function show({ name }, { added, unchanged, skipped, skipped_count }) {
    $("data").open = true;
    $("plan").hidden = false;
    $("would").textContent = `${name} has ${tasks(added)} to add; ${unchanged} are here already, ${skipped_count} cannot be read.`;
    $("faults").replaceChildren(...skipped.map(({ line, detail }) => Object.assign(document.createElement("li"), { textContent: `Line ${line}: ${detail}` })));
    $("do").textContent = `Import ${tasks(added)}`;
    $("do").disabled = added === 0;
    (added > 0 ? $("do") : $("cancel")).focus();
  }

  function close() {
    chosen = undefined;
    $("plan").hidden = true;
    $("file").value = "";
  }

  $("file").addEventListener("change", () => $("file").files[0] && choose($("file").files[0]));
  $("cancel").addEventListener("click", () => {
    close();
    $("file").focus();
  });
  $("plan").addEventListener("submit", (event) => {
    event.preventDefault();
    const { file, format } = chosen;
    void working(async () => {
      const { added } = await client().import(file, { format });
      close();
      notify(`${tasks(added)} imported.`, undefined, undefined, 8000);
      $("file").focus();
    });
  });

  // A file can be dropped anywhere on the board.
  const board = $("board");
  const carries = (event) => event.dataTransfer?.types.includes("Files") && !board.hidden;
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    board.classList.add("drop");
  });
  addEventListener("dragleave", (event) => event.relatedTarget || board.classList.remove("drop"));
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    board.classList.remove("drop");
    if (event.dataTransfer.files[0]) choose(event.dataTransfer.files[0]);
  });
}

function tasks(n) {
  return `${n} task${n === 1 ? "" : "s"}`;
}
