"""Print the tables of the code into the docs: `python docs/tables.py` from the top folder."""

import re
from pathlib import Path

from remodel.tables import api_table, drug_table, parameter_table, response_table

PAGES = {
    "docs/parameters.md": ("parameters", parameter_table),
    "docs/odd.md": ("responses", response_table),
    "docs/drugs.md": ("drugs", drug_table),
    "docs/api.md": ("api", api_table),
}


def fill(page: str, text: str) -> str:
    """Return the text of a page with its table as the code prints it."""
    name, table = PAGES[page]
    begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    filled, count = re.subn(
        pattern, lambda _: begin + table().rstrip("\n") + "\n" + end, text, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{page}: {count} regions for the table {name!r}; expected 1")
    return filled


if __name__ == "__main__":
    for page in PAGES:
        path = Path(page)
        path.write_text(fill(page, path.read_text(encoding="utf-8")), encoding="utf-8")
