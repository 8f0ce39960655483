# Makes a DocC catalogue of the Markdown that the repository shows, so that the site holds it too: links between its files become
# the site's, links to what the site does not hold become plain text, and the index gets its place at the top.
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "docs" / "index.md"
MODULES = ("Torch", "Graph", "Kindred", "KindredVision", "KindredCLI")


def pages():
    """Every file of the site's own catalogue, with the name of its page."""
    yield ROOT / "README.md", "Readme"
    yield ROOT / "CONTRIBUTING.md", "Contributing"
    yield ROOT / "Experiments" / "README.md", "Experiments"
    for file in sorted((ROOT / "docs").glob("*.md")):
        yield file, "Guide" if file == INDEX else file.stem.capitalize()
    for file in sorted((ROOT / "docs" / "reference").glob("*.md")):
        yield file, f"{file.stem.capitalize()}-Reference"


def module_page(file):
    """Where a page of a library's own catalogue is; None for another file."""
    for module in MODULES:
        if file.parent == ROOT / "Sources" / module / f"{module}.docc":
            page = "" if file.stem == module else f"/{file.stem}"
            return f"doc:/{module}{page}"
    return None


def linked(text, file, names):
    """The text with its links as the site has them."""

    def link(match):
        label, target = match.group(1), match.group(2)
        if "://" in target:
            return match.group(0)
        path, _, anchor = target.partition("#")
        place = (file.parent / path).resolve() if path else file
        page = names.get(place)
        address = f"doc:{page}" if page else module_page(place)
        if address is None:
            return label
        heading = heading_of(place, anchor) if anchor and page else None
        return f"[{label}](<{address}#{heading}>)" if heading else f"[{label}](<{address}>)"

    # Code, in blocks and in lines, is left as it is.
    parts = re.split(r"(```.*?```|^(?: {4}.*\n)+|`[^`\n]*`)", text, flags=re.S | re.M)
    # A label may hold code itself, so that lines are put together again before they are looked at.
    blocks, rest = [], ""
    for part in parts:
        if part.startswith("```") or part.startswith("    "):
            blocks += [rest, part]
            rest = ""
        else:
            rest += part
    blocks.append(rest)
    return "".join(
        block if index % 2 else re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", link, block) for index, block in enumerate(blocks))


def heading_of(file, anchor):
    """DocC's name of the heading that has an anchor; None where there is none."""
    for line in file.read_text(encoding="utf-8").splitlines():
        found = re.match(r"#+ (.*)", line)
        if not found:
            continue
        title = found.group(1).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        if slug == anchor:
            return re.sub(r"[\s]+", "-", re.sub(r"[\"'`.,:;?()]", "", title))
    return None


def topics(names):
    """What the index leads to, for the site's navigator: the lists of its own, in their order."""
    lines, seen = ["", "## Topics"], {"Guide"}
    groups, title = [], None
    for line in INDEX.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            title, found = line[3:].rstrip("?"), []
            groups.append((title, found))
        for target in re.findall(r"\]\(([^)#]+)", line):
            page = names.get((INDEX.parent / target).resolve())
            if page and page not in seen and groups:
                seen.add(page)
                groups[-1][1].append(page)
    groups.append(("More", [page for page in names.values() if page not in seen]))
    for title, found in groups:
        if found:
            lines += ["", f"### {title}", ""] + [f"- <doc:{page}>" for page in found]
    return "\n".join(lines) + "\n"


def main(folder):
    names = {file: page for file, page in pages()}
    folder.mkdir(parents=True, exist_ok=True)
    for file, page in names.items():
        text = linked(file.read_text(encoding="utf-8"), file, names)
        if page == "Readme":
            # Its title is the site's.
            text = text.replace("# Kindred\n", "# Where to begin\n", 1)
        if file == INDEX:
            head, rest = text.split("\n", 1)
            text = f"{head}\n\n@Metadata {{\n  @TechnologyRoot\n}}\n{rest}{topics(names)}"
        (folder / f"{page}.md").write_text(text, encoding="utf-8")


main(Path(sys.argv[1]))
