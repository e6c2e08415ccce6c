"""Compares what a program read of a file with the export in JSON."""
import datetime, json, os, subprocess, sys
import xml.etree.ElementTree as xml

what, tasks, path = sys.argv[1], json.load(open(sys.argv[2]))["tasks"], sys.argv[3]


def same(got, want, of):
    if got != want:
        sys.exit(f"{what}: {of} is {got!r}, not {want!r}")


def text(s):
    """A text as iCalendar and CSV have it: with LF alone."""
    return (s or "").replace("\r\n", "\n")


def office():
    names = {"table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0", "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0"}
    sheet = xml.parse(path).getroot().find(".//table:table", names)
    formula = "{%s}formula" % names["table"]
    rows = []
    for row in sheet.findall("table:table-row", names):
        cells = []
        for cell in row.findall("table:table-cell", names):
            if formula in cell.attrib:
                sys.exit(f"office: a cell is the formula {cell.attrib[formula]}")
            value = "\n".join("".join(p.itertext()) for p in cell.findall("text:p", names))
            cells += [value] * int(cell.get("{%s}number-columns-repeated" % names["table"], 1))
        rows.append(cells)
    header = [name for name in rows[0] if name]
    same(header, "id,title,description,completed,completed_at,priority,due_date,tags,metadata,created_at,updated_at".split(","), "the header")
    for task, row in zip(tasks, rows[1:]):
        cells = dict(zip(header, row))
        for field in ("title", "description"):
            want = text(task[field])
            if want.lstrip("'")[:1] in tuple("=+-@"):
                want = "'" + want
            same(cells[field], want, field)
        same(cells["id"], task["id"], "id")


def moment(s):
    return datetime.datetime.fromisoformat(s.replace("Z", "+00:00")).replace(microsecond=0)


def todo(task, get, tags):
    """Compares a VTODO, whose properties get returns in Python's types."""
    same(get("UID"), task["id"], "UID")
    same(get("SUMMARY"), task["title"], "SUMMARY")
    same(get("DESCRIPTION") or "", text(task["description"]), "DESCRIPTION")
    same(get("STATUS"), "COMPLETED" if task["completed"] else "NEEDS-ACTION", "STATUS")
    same(int(get("PRIORITY")), {"high": 1, "medium": 5, "low": 9}[task["priority"]], "PRIORITY")
    for name, field in ("CREATED", "created_at"), ("LAST-MODIFIED", "updated_at"), ("COMPLETED", "completed_at"):
        same(get(name), moment(task[field]) if task[field] else None, name)
    due = task["due_date"]
    if due and len(due) == 10:
        due = datetime.date.fromisoformat(due)
    elif due:
        due = moment(due)
    same(get("DUE"), due, "DUE")
    same(tags, task["tags"], "CATEGORIES")


def icalendar():
    from icalendar import Calendar
    todos = Calendar.from_ical(open(path, "rb").read()).walk("VTODO")
    same(len(todos), len(tasks), "the number of VTODOs")
    for task, t in zip(tasks, todos):
        categories = t.get("CATEGORIES")
        def get(name):
            value = t.get(name)
            return getattr(value, "dt", None if value is None else str(value))
        # icalendar 4 unescapes a list before it splits it at the commas, and a backslash before n to a new line.
        task["description"] = task["description"] and task["description"].replace("\\n", "\n")
        task["tags"] = [part for tag in task["tags"] for part in tag.split(",")]
        todo(task, get, [str(c) for c in categories.cats] if categories else [])


def vobject():
    import vobject as library
    todos = library.readOne(open(path, encoding="utf-8", newline="")).vtodo_list
    same(len(todos), len(tasks), "the number of VTODOs")
    for task, t in zip(tasks, todos):
        def get(name):
            found = t.contents.get(name.lower())
            return found[0].value if found else None
        todo(task, get, [c for line in t.contents.get("categories", []) for c in line.value])


def lines():
    return [line for line in open(path, encoding="utf-8").read().split("\n") if line]


def topydo():
    out = subprocess.run(["topydo", "-c", "/dev/null", "-t", path, "ls", "-x", "-f", "json"], capture_output=True, text=True, check=True, env={**os.environ, "LANG": "C.UTF-8"}).stdout
    got = {dict(t["tags"])["docket"]: t for t in json.loads(out)}
    same(set(got), {t["id"] for t in tasks}, "the list")
    for task in tasks:
        t = got[task["id"]]
        same(t["completed"], task["completed"], "whether it is completed")
        if task["completed"]:
            same(t["completion_date"], task["completed_at"][:10], "the completion date")
            continue
        same(t["priority"], {"high": "A", "medium": "B", "low": "C"}[task["priority"]], "the priority")
        same(dict(t["tags"]).get("due", ""), (task["due_date"] or "")[:10], "the due date")
        same(t["creation_date"], task["created_at"][:10], "the creation date")
        if not task["title"].startswith("@"):
            same(t["text"].split(" @")[0], task["title"], "the text")
            same(sorted(t["contexts"]), sorted(tag.replace(" ", "_") for tag in task["tags"]), "the contexts")


def todotxt():
    config = path + ".config"
    with open(config, "w") as f:
        folder = os.path.dirname(path)
        f.write(f'export TODO_DIR="{folder}"\nexport TODO_FILE="{path}"\nexport DONE_FILE="{folder}/done.txt"\nexport REPORT_FILE="{folder}/report.txt"\n')
    def run(*args):
        return subprocess.run(["todo-txt", "-d", config, "-p", *args], capture_output=True, text=True, check=True).stdout
    listed = [line.split(" ", 1)[1] for line in run("ls").splitlines() if line[:1].isdigit() or line[:2] == " "]
    same(sorted(line.strip() for line in listed), sorted(lines()), "the list")
    for tag in ("home", "shop"):
        if "@" + tag not in run("lsc").split():
            sys.exit(f"todotxt: does not list the context @{tag}")


def vdirsyncer():
    folder, url, key = path, sys.argv[4], sys.argv[5]
    with open(folder + "/vdirsyncer", "w") as f:
        f.write(f'''[general]
status_path = "{folder}/status/"
[pair tasks]
a = "here"
b = "there"
collections = null
[storage here]
type = "filesystem"
path = "{folder}/calendar/"
fileext = ".ics"
[storage there]
type = "http"
url = "{url}"
username = "alice@example.com"
password = "{key}"
''')
    os.mkdir(folder + "/calendar")
    for command in ("discover", "sync"):
        done = subprocess.run(["vdirsyncer", "-c", folder + "/vdirsyncer", command, "tasks"], capture_output=True, text=True, input="y\n", env={**os.environ, "LANG": "C.UTF-8"})
        if done.returncode:
            sys.exit(f"vdirsyncer: {done.stdout}{done.stderr}")
    files = os.listdir(folder + "/calendar")
    # vdirsyncer gives each item a UID of its own.
    got = []
    for name in os.listdir(folder + "/calendar"):
        item = open(f"{folder}/calendar/{name}", encoding="utf-8", newline="").read().replace("\r\n", "\n").replace("\n ", "")
        summary = item.split("\nSUMMARY:")[1].split("\n")[0]
        got.append(summary.replace("\\,", ",").replace("\\;", ";"))
    same(sorted(got), sorted(task["title"] for task in tasks if task["due_date"]), "the calendar")


def todoman():
    """Lists the tasks of the folder that vdirsyncer has filled."""
    folder = path
    with open(folder + "/todoman.py", "w") as f:
        f.write(f'path = "{folder}/calendar"\ncache_path = "{folder}/todoman.sqlite3"\ndate_format = "%Y-%m-%d"\ntime_format = "%H:%M"\ndefault_list = "calendar"\n')
    done = subprocess.run(["todoman", "--config", folder + "/todoman.py", "--porcelain", "list", "--status", "ANY"], capture_output=True, text=True, env={**os.environ, "LANG": "C.UTF-8", "TZ": "UTC"})
    if done.returncode or done.stderr:
        sys.exit(f"todoman: {done.stdout}{done.stderr}")
    got = {t["summary"]: t for t in json.loads(done.stdout)}
    dated = [task for task in tasks if task["due_date"]]
    same(sorted(got), sorted(task["title"] for task in dated), "the list")
    for task in dated:
        t, due = got[task["title"]], task["due_date"]
        same(t["due"], datetime.datetime.fromisoformat(due.rstrip("Z")).replace(tzinfo=datetime.timezone.utc).timestamp(), "the due date")
        same(t["description"], text(task["description"]), "the description")
        same(t["completed"], task["completed"], "whether it is completed")
        same(t["completed_at"], moment(task["completed_at"]).timestamp() if task["completed"] else None, "when it was completed")
        same(t["priority"], {"high": 1, "medium": 5, "low": 9}[task["priority"]], "the priority")


globals()[what]()
