"""Print the tables of the code into the docs: `python docs/tables.py` from the top folder."""

import re
from pathlib import Path

from remodel import tables

PAGES = {  # the tables of each page
    "docs/parameters.md": {
        "parameters": tables.parameter_table,
        "usual drug": tables.usual_drug_table,
        "woman": tables.woman_table,
        "population": tables.population_table,
        "constants": tables.constant_table,
        "sources": tables.source_table,
    },
    "docs/odd.md": {"responses": tables.response_table},
    "docs/drugs.md": {"drugs": tables.drug_table},
}


def fill(page: str, text: str) -> str:
    """Return the text of a page with its tables as the code prints them."""
    for name, table in PAGES[page].items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        new = begin + table().rstrip("\n") + "\n" + end
        text, count = re.subn(pattern, lambda _, new=new: new, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{page}: {count} regions for the table {name!r}; expected 1")
    return text


if __name__ == "__main__":
    for page in PAGES:
        path = Path(page)
        path.write_text(fill(page, path.read_text(encoding="utf-8")), encoding="utf-8")
