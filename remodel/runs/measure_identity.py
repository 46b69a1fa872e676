"""What a `measure` is: a checksum of its code and of all that the code takes from around it.

A measure that reads the same may mean another thing: a closure over another number, another
default, another helper. The checksum is of bytecode and constants, of closures, defaults and
the globals that the code names, of a partial's arguments and of an object's state, and so on
from there. It holds no address, no path and no number of a line, so that the same measure
defined again in another process has the same one.
"""

import builtins
import copyreg
import dis
import functools
import importlib.util
import inspect
import re
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from remodel.support.messages import shown

NEEDS_NAME = (
    "cannot be told from another; give run_ensemble a measure_name, and another one whenever "
    "the measure changes"
)
BARE = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))
OF_A_CLASS = {  # what Python itself writes into a class, and what says only where it stands
    "__dict__", "__weakref__", "__module__", "__doc__", "__qualname__", "__firstlineno__",
    "__static_attributes__", "__annotations__", "__annotate__", "__annotate_func__",
    "__annotations_cache__", "__dataclass_fields__", "__dataclass_params__", "__match_args__",
    "__abstractmethods__", "_abc_impl", "__hash__", "__slots__", "__classdictcell__",
}  # fmt: skip
READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
STANDARD = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
LIBRARY_FOLDERS = {"site-packages", "dist-packages"}


class UnknownError(ValueError):
    """Something has no content that can be told from that of another.

    Attributes
    ----------
    name : str
        By which the measure knows it.
    """

    name = ""


def identify(measure: Callable[..., Any] | None, name: str = "") -> str:
    """Return the checksum of a measure, or "" of none.

    Parameters
    ----------
    measure : callable, optional
        Anything that can be called.
    name : str
        Stands for what has no content to be told by, and for lists, arrays and objects, which
        may change while it measures; code, numbers and text count as they do without.

    Raises
    ------
    ValueError
        If it holds what cannot be told from another and has no name.
    """
    if measure is None:
        return ""
    try:
        content = Teller(named=bool(name)).tell(measure)
    except (UnknownError, RecursionError) as error:
        what = "what it holds is nested too deeply and"
        if isinstance(error, UnknownError):
            what = f"{error.name} = {error}" if error.name else str(error)
        raise ValueError(f"measure: {what} {NEEDS_NAME}") from None
    return sha256(f"{name}\n{content}".encode(errors="backslashreplace")).hexdigest()


class Teller:
    """Tells what things hold, as text that is equal for equal things in any process."""

    def __init__(self, named: bool) -> None:
        """Begin with nothing told yet."""
        self.named = named
        self.told: dict[int, str] = {}  # by id, what was told in full
        self.open: dict[int, int] = {}  # by id, what is being told: it may hold itself
        self.kept: list[object] = []  # or another thing could come to have the same id

    def tell(self, thing: Any) -> str:
        """Return what a thing is."""
        if type(thing) in BARE:
            return f"{type(thing).__name__} {thing!r}"
        key = id(thing)
        if key in self.open:
            return f"itself {self.open[key]}"
        if key not in self.told:
            self.open[key] = len(self.open)
            self.kept.append(thing)
            kinds = [tell for kind, tell in KINDS if isinstance(thing, kind)]
            tell = COLLECTIONS.get(type(thing)) or [*kinds, Teller.tell_object][0]
            text = tell(self, thing)
            del self.open[key]
            self.told[key] = sha256(text.encode(errors="backslashreplace")).hexdigest()
        return self.told[key]

    def tell_all(self, things: Any) -> str:
        """Return what several things are, in their order."""
        return f"({', '.join(self.tell(thing) for thing in things)})"

    def tell_list(self, things: Any) -> str:
        """Return what a list or a tuple holds; a name stands for a list, which may grow."""
        if self.named and not isinstance(things, tuple):
            return type(things).__name__
        return f"{type(things).__name__}{self.tell_all(things)}"

    def tell_set(self, things: Any) -> str:
        """Return what a set holds; its order is one of addresses."""
        if self.named and not isinstance(things, frozenset):
            return type(things).__name__
        return f"{type(things).__name__}({', '.join(sorted(map(self.tell, things)))})"

    def tell_dict(self, things: Any) -> str:
        """Return what a dict holds."""
        if self.named:
            return type(things).__name__
        return f"dict{self.tell_pairs(things)}"

    def tell_pairs(self, things: Any) -> str:
        """Return keys and values, in the order of the keys as text."""
        pairs = sorted(((self.tell(key), key) for key in things), key=lambda pair: pair[0])
        told = [f"{text}: {self.about(str(key), things[key])}" for text, key in pairs]
        return f"{{{', '.join(told)}}}"

    def tell_kind(self, thing: Any) -> str:
        """Return of which class a thing is, and what its class does if it is one's own."""
        return f"a {self.tell(type(thing))} "

    def tell_array(self, array: Any) -> str:
        """Return what an array or a number of NumPy holds."""
        values = np.asarray(array)
        about = f"{values.dtype.str}{values.dtype.descr if values.dtype.names else ''}"
        if self.named and values.ndim:
            return f"array {about}"
        if values.dtype.hasobject:
            return f"array {values.shape} {self.tell_all(values.ravel().tolist())}"
        content = np.ascontiguousarray(values).tobytes()
        return f"array {about} {values.shape} {sha256(content).hexdigest()}"

    def tell_function(self, function: types.FunctionType) -> str:
        """Return what a function does, and with what around it."""
        words = sorted((function.__kwdefaults__ or {}).items())
        parts = [self.tell_all([function.__defaults__, tuple(words)])]
        module = str(function.__globals__.get("__name__"))
        if is_library(module):
            parts.append(f"{module}.{function.__qualname__}")
        else:
            parts.append(self.tell_code(function.__code__))
            parts.append(self.tell_globals(function))
        cells = function.__closure__ or ()
        names = function.__code__.co_freevars
        for name, cell in zip(names, cells, strict=True):
            try:
                held = cell.cell_contents
            except ValueError:  # not bound yet
                parts.append(f"{name} unbound")
            else:
                parts.append(f"{name} {self.about(name, held)}")
        own = {key: value for key, value in vars(function).items() if key != "__wrapped__"}
        if own and not is_library(module):
            parts.append(self.tell_pairs(own))
        if hasattr(function, "__wrapped__"):
            parts.append(self.tell(function.__wrapped__))
        return f"function [{'; '.join(parts)}]"

    def about(self, name: str, thing: Any) -> str:
        """Return what a thing is; if that cannot be told, the message says its name."""
        try:
            return self.tell(thing)
        except UnknownError as error:
            error.name = error.name or name
            raise

    def tell_code(self, code: types.CodeType) -> str:
        """Return the instructions of a function, without where they stand."""
        shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        steps = [f"{one.opname} {self.tell_argument(one)}" for one in instructions(code)]
        table = sha256(code.co_exceptiontable).hexdigest() if code.co_exceptiontable else ""
        return f"code {shape} {code.co_varnames} {'|'.join(steps)} {table}"

    def tell_argument(self, step: dis.Instruction) -> str:
        """Return what an instruction works on; a constant by what it holds."""
        value = step.argval
        if isinstance(value, types.CodeType):
            return self.tell_code(value)
        if isinstance(value, tuple | frozenset):
            return Teller(named=False).tell(value)
        return repr(value) if isinstance(value, BARE) else str(step.arg)

    def tell_globals(self, function: types.FunctionType) -> str:
        """Return what the globals are that a function names."""
        space, found = function.__globals__, {}
        for name, path in sorted(names_of(function.__code__)):
            if name not in space:
                known = hasattr(builtins, name)
                found[name] = f"{'builtin' if known else 'no'} {name}"
                continue
            thing, rest = follow(space[name], path)
            found[".".join((name, *path))] = f"{self.about(name, thing)}{rest}"
        inner = [
            f"import {name} {self.tell(module)}" for name, module in imported(function.__code__)
        ]
        return f"{found} {inner}"

    def tell_method(self, method: types.MethodType) -> str:
        """Return what a bound method does, and on what."""
        return f"method {self.tell(method.__func__)} of {self.tell(method.__self__)}"

    def tell_builtin(self, function: Any) -> str:
        """Return the name of a function that is written in C, and on what it works."""
        owner = getattr(function, "__self__", None)
        place = f"{getattr(function, '__module__', '')}.{function.__qualname__}"
        if owner is None or isinstance(owner, types.ModuleType):
            return f"builtin {place}"
        return f"builtin {place} of {self.tell(owner)}"

    def tell_module(self, module: types.ModuleType) -> str:
        """Return the name and version of a library, or the text of a module of one's own."""
        name, file = module.__name__, getattr(module, "__file__", None)
        if is_library(name):
            return f"module {name} {version_of(module)}"
        try:
            return f"module {name} {sha256(Path(str(file)).read_bytes()).hexdigest()}"
        except OSError:
            return self.unknown(module, f"module {name}")

    def tell_class(self, kind: type) -> str:
        """Return the name of a class of a library, or all that one's own class does."""
        made = kind.__module__ == "builtins" and not hasattr(builtins, kind.__name__)
        if is_library(kind.__module__) and not made:  # of a text that was run without a name
            return f"class {kind.__module__}.{kind.__qualname__}"
        own = {
            name: value
            for name, value in vars(kind).items()
            if name not in OF_A_CLASS and not inspect.isdatadescriptor(value)
        }
        own |= {
            name: (value.fget, value.fset, value.fdel)
            for name, value in vars(kind).items()
            if isinstance(value, property)
        }
        slots = sorted(k for k, v in vars(kind).items() if inspect.ismemberdescriptor(v))
        bases = self.tell_all(kind.__bases__)
        held = {name: self.about(name, own[name]) for name in sorted(own)}
        return f"class {kind.__name__} {bases} {slots} {held}"

    def tell_partial(self, thing: Any) -> str:
        """Return the function and the arguments that a partial brings."""
        words = sorted(thing.keywords.items())
        return f"{self.tell_kind(thing)} {self.tell_all([thing.func, thing.args, tuple(words)])}"

    def tell_wrapped(self, thing: Any) -> str:
        """Return what a static or a class method, or a property that is kept, wraps."""
        return f"{type(thing).__name__} {self.tell(getattr(thing, '__func__', None) or thing.func)}"

    def tell_object(self, thing: Any) -> str:
        """Return the class and the state of any other thing, as pickle would keep it."""
        wrapped = getattr(thing, "__wrapped__", None)
        if wrapped is not None and callable(thing):
            return f"{type(thing).__name__} of {self.tell(wrapped)}"
        if self.named:
            return self.tell_kind(thing)
        reduce = copyreg.dispatch_table.get(type(thing))
        try:
            reduced = reduce(thing) if reduce else thing.__reduce_ex__(4)
        except Exception:  # noqa: BLE001  whatever it says, it cannot be kept
            return self.unknown(thing, type(thing).__name__)
        if isinstance(reduced, str):
            return f"{type(thing).__module__}.{reduced}"
        first, second, *others = reduced
        parts = [self.tell(first), self.tell_all(second)]
        parts += [self.tell_state(other) for other in others]
        return f"{self.tell_kind(thing)}{parts}"

    def tell_state(self, state: Any) -> str:
        """Return a part of what pickle would keep: a state, or what a list or a dict holds."""
        return self.tell_all(state) if isinstance(state, Iterator) else self.tell(state)

    def unknown(self, thing: object, short: str) -> str:
        """Refuse a thing, or let the name of the measure stand for it."""
        if self.named:
            return short
        raise UnknownError(re.sub(r" at 0x[0-9a-fA-F]+", "", shown(thing)))


KINDS: tuple[tuple[Any, Callable[[Teller, Any], str]], ...] = (
    (np.ndarray | np.generic, Teller.tell_array),
    (types.FunctionType, Teller.tell_function),
    (types.MethodType, Teller.tell_method),
    (types.BuiltinFunctionType | types.MethodWrapperType, Teller.tell_builtin),
    (
        types.MethodDescriptorType | types.WrapperDescriptorType | types.ClassMethodDescriptorType,
        Teller.tell_builtin,
    ),
    (types.CodeType, Teller.tell_code),
    (types.ModuleType, Teller.tell_module),
    (type, Teller.tell_class),
    (functools.partial, Teller.tell_partial),
    (staticmethod | classmethod | functools.cached_property, Teller.tell_wrapped),
)
COLLECTIONS: dict[type, Callable[[Teller, Any], str]] = {
    tuple: Teller.tell_list, list: Teller.tell_list, set: Teller.tell_set,
    frozenset: Teller.tell_set, dict: Teller.tell_dict,
}  # fmt: skip


def instructions(code: types.CodeType) -> Iterator[dis.Instruction]:
    """Yield the instructions of some code but for what a class body notes of where it stands."""
    steps = list(dis.get_instructions(code))
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        if after is None or after.opname != "STORE_NAME" or after.argval not in OF_A_CLASS:
            yield step


def all_code(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield some code and all that is defined within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from all_code(constant)


def names_of(code: types.CodeType) -> set[tuple[str, tuple[str, ...]]]:
    """Return the globals that some code reads, each with the attributes that it asks of them."""
    found = set()
    for part in all_code(code):
        steps = list(dis.get_instructions(part))
        for place, step in enumerate(steps):
            if step.opname in READS and not str(step.argval).startswith("__"):
                path = []
                for after in steps[place + 1 :]:
                    if after.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                        break
                    path.append(str(after.argval))
                found.add((str(step.argval), tuple(path)))
    return found


def follow(thing: Any, path: tuple[str, ...]) -> tuple[Any, str]:
    """Return what attributes lead to from a module of one's own, and the attributes left over."""
    rest = list(path)
    while rest and isinstance(thing, types.ModuleType) and not is_library(thing.__name__):
        if not hasattr(thing, rest[0]):
            break
        thing = getattr(thing, rest.pop(0))
    return thing, "".join(f".{name}" for name in rest)


def imported(code: types.CodeType) -> Iterator[tuple[str, Any]]:
    """Yield the modules of one's own that some code imports when it runs."""
    for part in all_code(code):
        for step in dis.get_instructions(part):
            if step.opname != "IMPORT_NAME" or is_library(str(step.argval)):
                continue
            name = str(step.argval)
            try:
                yield name, sys.modules.get(name) or importlib.import_module(name)
            except Exception:  # noqa: BLE001  it is for the run to say what it is
                yield name, None


def is_library(name: str) -> bool:
    """Return whether a module is of Python, of a library or of this package.

    A record tells their versions.
    """
    top = name.partition(".")[0]
    if top == "remodel":
        return True
    file = file_of(name)
    if LIBRARY_FOLDERS & set(Path(file).parts):
        return True
    if top not in sys.stdlib_module_names or top == "__main__":
        return False
    return not file or any(Path(file).resolve().is_relative_to(folder) for folder in STANDARD)


def file_of(name: str) -> str:
    """Return the file of a module, whether it is imported or not; nothing if it has none."""
    top = name.partition(".")[0]
    module = sys.modules.get(name) or sys.modules.get(top)
    if module is not None:
        return str(getattr(module, "__file__", None) or "")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return ""
    return spec.origin or "" if spec else ""


def version_of(module: types.ModuleType) -> str:
    """Return the version that a library states, or nothing."""
    top = sys.modules.get(module.__name__.partition(".")[0])
    found = getattr(top, "__version__", "")
    return found if isinstance(found, str) else ""
