"""What triggers run on a cluster by tenant: statements that ask for the tables beside the row.

There a trigger runs where its row is, on a shard, and a statement that names a table would be one
over all nodes, which may not begin on a shard. So a routine that triggers run is made otherwise:
each of its statements that names tables is put together when it is run, with the names of those
shards of them that are of the same tenants, on the same node.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from duecourse.config import Config
from duecourse.errors import DuecourseError

#: Files whose routines triggers run.
FILES = re.compile(r"sql/(\w+_guards/|ops/mark_ledger_write\.)")
#: The setting under which `table_beside` names shards: on wherever a trigger runs.
_SETTING = "duecourse.beside_rows"
_QUOTE = "$beside$"

_ROUTINE = re.compile(
    r"(?P<head>^CREATE OR REPLACE FUNCTION .*?\nRETURNS (?P<type>\S+)\n.*?)"
    r"(?P<open>^AS \$\$\n)(?P<body>.*?)(?P<close>^\$\$;$)",
    re.MULTILINE | re.DOTALL,
)
_TOKEN = re.compile(
    r"(?P<blank>\s+|--[^\n]*|'(?:[^']|'')*')|(?P<word>[\w$]+|:=|.)", re.DOTALL | re.VERBOSE
)
_VARIABLE = re.compile(
    r"""(?P<blank>--[^\n]*|'(?:[^']|'')*')
    |(?<![\w.$])(?P<name>(?:[vp]_\w+|NEW|OLD|TG_[A-Z]+)(?:\.\w+)?(?:\[\d+\])?)(?!\w|\s*=>)""",
    re.VERBOSE,
)
_INTO = re.compile(r"\s+INTO (?P<names>v_\w+(?:, v_\w+)*)(?=\s|\Z)")
_FOUND = re.compile(r"\bFOUND\b")


@dataclass(frozen=True)
class _Statement:
    """A statement of a body, from its first word to what ends it: ``;``, THEN, LOOP or ELSE."""

    before: str
    text: str
    gap: str
    end: str


def rewrite(text: str, config: Config) -> str:
    """Return a file of such routines as they are made on a cluster."""
    return _ROUTINE.sub(lambda found: _routine(found, config), text)


def _routine(found: re.Match[str], config: Config) -> str:
    schemas = "|".join(map(re.escape, config.identifiers.values()))
    tables = re.compile(
        r"\b(?P<verb>FROM|JOIN|UPDATE|USING|INTO)\s+(?:ONLY\s+)?"
        rf"(?P<name>(?:{schemas})\.\w+)\b(?!\w)(?P<call>\s*\()?"
    )
    maker = _Maker(config.identifiers["ops"], found["type"], tables, "FOUND" in found["body"])
    body = maker.body(found["body"])
    setting = f"SET {_SETTING} = on\n" if found["type"] == "trigger" else ""
    return f"{found['head']}{setting}{found['open']}{body}{found['close']}"


class _Maker:
    """Makes the body of one routine otherwise."""

    def __init__(self, ops: str, returned: str, tables: re.Pattern[str], asks_found: bool) -> None:
        self._ops, self._returned, self._tables = ops, returned, tables
        self._asks_found = asks_found
        self._locals: dict[str, str] = {}

    def body(self, text: str) -> str:
        begin = re.search(r"^BEGIN$", text, re.MULTILINE)
        if begin is None:
            raise DuecourseError("a routine has no BEGIN", "write it on a line of its own")
        made = "".join(map(self._statement, _statements(text[begin.end() :])))
        declared = text[: begin.start()]
        if self._locals:
            head = declared or "DECLARE\n"
            declared = head + "".join(
                f"    {name} {kind};\n" for name, kind in self._locals.items()
            )
        return f"{declared}BEGIN{made}"

    def _statement(self, statement: _Statement) -> str:
        before, text, end = statement.before, statement.text, statement.end
        names = list(dict.fromkeys(f["name"] for f in self._tables.finditer(text) if _is_table(f)))
        selects = self._asks_found and re.match(r"SELECT\b", text) and _INTO.search(text)
        if not names and not selects:
            return before + self._asking(text) + statement.gap + end
        indent = before.rpartition("\n")[2]
        verb, rest = re.findall(r"\A(\w+)(.*)", text, re.DOTALL)[0]
        if verb == "FOR" and end == "LOOP":
            variable, _, query = rest.partition(" IN")
            return f"{before}FOR{variable} IN {self._dynamic(query.strip(), names)}\n{indent}{end}"
        if verb == "IF" and end == "THEN":
            return f"{before}{self._condition(rest, names, indent)}\n{indent}IF v_holds {end}"
        if verb == "RETURN":
            into = self._local("v_returned", self._returned)
            made = self._dynamic(f"SELECT{rest}", names, into)
            return f"{before}{made};\n{indent}RETURN v_returned{end}"
        if assigned := re.match(r"(v_\w+)\s*:=\s*", text):
            made = self._dynamic(f"SELECT {text[assigned.end() :]}", names, assigned[1])
            return f"{before}{made}{end}"
        if verb == "PERFORM":
            return f"{before}{self._dynamic(f'SELECT{rest}', names)}{end}"
        if verb not in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE"):
            raise DuecourseError(
                f"no way is known to run beside the row: {text}", "write it as a statement"
            )
        if target := _INTO.search(text):
            query = text[: target.start()] + text[target.end() :]
            made = self._dynamic(query, names, target["names"])
        else:
            made = self._dynamic(text, names)
        return f"{before}{made}{end}{self._found(indent)}"

    def _condition(self, text: str, names: list[str], indent: str) -> str:
        """Return what puts a condition into v_holds: its first part decides whether to ask."""
        holds = self._local("v_holds", "boolean")
        first, _, asked = text.rpartition(" AND EXISTS")
        if not first:
            return f"{self._dynamic(f'SELECT{text}', names, holds)};"
        made = self._dynamic(f"SELECT EXISTS{asked}", names, holds)
        return f"{holds} :={first};\n{indent}IF {holds} THEN\n{indent}    {made};\n{indent}END IF;"

    def _asking(self, text: str) -> str:
        return _FOUND.sub("v_found", text) if self._asks_found else text

    def _found(self, indent: str) -> str:
        """Return what stands for FOUND, which no EXECUTE sets."""
        if not self._asks_found:
            return ""
        self._local("v_rows", "bigint")
        self._local("v_found", "boolean")
        return f"\n{indent}GET DIAGNOSTICS v_rows = ROW_COUNT;\n{indent}v_found := v_rows > 0;"

    def _local(self, name: str, kind: str) -> str:
        self._locals[name] = kind
        return name

    def _dynamic(self, text: str, names: list[str], into: str = "") -> str:
        """Return the EXECUTE of a statement: ``%n$s`` are tables, ``$n`` variables."""
        variables: dict[str, None] = {}

        def number(found: re.Match[str]) -> str:
            if found["blank"]:
                return found[0]
            variables.setdefault(found["name"])
            return f"${list(variables).index(found['name']) + 1}"

        def place(found: re.Match[str]) -> str:
            if not _is_table(found):
                return found[0]
            end = found.start("name") - found.start()
            return f"{found[0][:end]}%{names.index(found['name']) + 1}$s{found['call'] or ''}"

        query = _VARIABLE.sub(number, text).replace("%", "%%")
        query = self._tables.sub(place, query)
        tenants = [name for name in variables if re.search(r"(\A[vp]_|\.)tenant\Z", name)]
        if names and len(tenants) != 1:
            raise DuecourseError(
                f"of which tenant it asks cannot be told: {text}", "let it name one tenant"
            )
        tables = "".join(f", {self._ops}.table_beside('{name}', {tenants[0]})" for name in names)
        made = f"EXECUTE format({_QUOTE}{query}{_QUOTE}{tables})"
        if into:
            made += f" INTO {into}"
        if variables:
            made += f" USING {', '.join(variables)}"
        return made


def _statements(text: str) -> Iterator[_Statement]:
    """Yield the statements of a body, with what stands before each."""
    start, first, cases, depth = 0, None, 0, 0
    for found in _TOKEN.finditer(text):
        word = found["word"]
        if word is None:
            continue
        if first is None:
            first = found.start()
        depth += (word == "(") - (word == ")")
        cases = max(0, cases + (word == "CASE") - (word == "END"))
        ends = word == ";" or (not depth and not cases and word in ("THEN", "LOOP", "ELSE"))
        if ends:
            tail = text[first : found.start()]
            code = tail.rstrip()
            yield _Statement(text[start:first], code, tail[len(code) :], word)
            start, first = found.end(), None
    yield _Statement(text[start:], "", "", "")


def _is_table(found: re.Match[str]) -> bool:
    """Whether a name is of a table, not of a function that gives rows."""
    return found["verb"] == "INTO" or found["call"] is None
