"""The modules, classes and functions of a package, as their source says, each by its full name."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
NestedScope = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(eq=False)
class Module:
    """``imported`` says what a name here is called everywhere; ``assigned`` what a global was given."""

    name: str
    path: str
    imported: dict[str, str] = field(default_factory=dict)
    assigned: dict[str, ast.expr] = field(default_factory=dict)
    annotated: dict[str, ast.expr] = field(default_factory=dict)


@dataclass(eq=False)
class Class:
    name: str
    node: ast.ClassDef
    module: Module
    methods: dict[str, "Function"] = field(default_factory=dict)
    annotated: dict[str, ast.expr] = field(default_factory=dict)
    assigned: dict[str, list[tuple["Function | None", ast.expr]]] = field(default_factory=dict)


@dataclass(eq=False)
class Function:
    """``name`` is what Python calls it: module and qualified name."""

    name: str
    node: FunctionNode
    module: Module
    owner: Class | None
    outer: "Function | None"
    inner: dict[str, "Function"] = field(default_factory=dict)

    @property
    def is_async(self) -> bool:
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def is_generator(self) -> bool:
        """Asynchronous or not."""
        return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in self.nodes())

    @property
    def decorators(self) -> set[str]:
        """The last part of each one's name."""
        named = (node.func if isinstance(node, ast.Call) else node for node in self.node.decorator_list)
        return {ast.unparse(node).rpartition(".")[2] for node in named}

    @property
    def is_property(self) -> bool:
        return bool(self.decorators & {"property", "cached_property"})

    @property
    def self_class(self) -> Class | None:
        """The class whose ``self`` it sees."""
        function = self
        while function.owner is None and function.outer is not None:
            function = function.outer
        return function.owner

    @property
    def parameters(self) -> list[ast.arg]:
        given = self.node.args
        extra = [one for one in (given.vararg, given.kwarg) if one]
        return [*given.posonlyargs, *given.args, *given.kwonlyargs, *extra]

    def nodes(self) -> Iterator[ast.AST]:
        """All that runs when it does: its body without the bodies of functions inside."""
        waiting: list[ast.AST] = list(reversed(self.node.body))
        while waiting:
            node = waiting.pop()
            yield node
            if not isinstance(node, NestedScope):
                waiting.extend(ast.iter_child_nodes(node))


class SourceIndex:
    """Everything the modules define, and where a name leads."""

    def __init__(self, modules: Iterable[tuple[str, Path]]) -> None:
        self.modules: dict[str, Module] = {}
        self.classes: dict[str, Class] = {}
        self.functions: dict[str, Function] = {}
        for name, path in modules:
            self._read(name, path)
        self.subclasses: dict[str, list[Class]] = {}
        for each in self.classes.values():
            for base in self.bases(each):
                self.subclasses.setdefault(base.name, []).append(each)

    @classmethod
    def of(cls, *names: str) -> "SourceIndex":
        """Of modules, and of packages with all that is in them."""
        return cls(found for name in names for found in _modules_below(name))

    def full_name(self, dotted: str) -> str:
        """Where it is defined, for a name that modules of ours may hand on."""
        for _ in range(8):
            if dotted in self.classes or dotted in self.functions or dotted in self.modules:
                return dotted
            module, rest = self._module_of(dotted)
            head, _, tail = rest.partition(".")
            if module is None or head not in module.imported:
                return dotted
            dotted = ".".join(filter(None, (module.imported[head], tail)))
        return dotted

    def global_of(self, dotted: str) -> tuple[Module, str] | None:
        """The module of ours and the name in it, if it is one of its variables."""
        module, rest = self._module_of(dotted)
        if module and (rest in module.assigned or rest in module.annotated):
            return module, rest
        return None

    def is_below_ours(self, dotted: str) -> bool:
        """Whether a module of ours should have it."""
        return self._module_of(dotted)[0] is not None

    def bases(self, each: Class) -> list[Class]:
        """The classes of ours it is derived from, in order."""
        found = []
        for node in each.node.bases:
            plain = node.value if isinstance(node, ast.Subscript) else node
            base = self.classes.get(self.name_in(each.module, ast.unparse(plain)))
            if base:
                found.append(base)
        return found

    def line(self, each: Class) -> list[Class]:
        """It and all its bases, the nearest first."""
        found = [each]
        for base in found:
            found.extend(one for one in self.bases(base) if one not in found)
        return found

    def below(self, each: Class) -> list[Class]:
        """All that are derived from it, or that have the methods a protocol asks for."""
        found = list(self.subclasses.get(each.name, ()))
        for one in found:
            found.extend(self.subclasses.get(one.name, ()))
        if any("Protocol" in ast.unparse(base) for base in each.node.bases):
            wanted = set(each.methods)
            found.extend(
                one
                for one in self.classes.values()
                if one is not each
                and wanted
                and wanted <= {name for base in self.line(one) for name in base.methods}
            )
        return found

    def name_in(self, module: Module, dotted: str) -> str:
        """The full name of what a module calls so."""
        head, _, tail = dotted.partition(".")
        if head in module.imported:
            return self.full_name(".".join(filter(None, (module.imported[head], tail))))
        own = f"{module.name}.{dotted}"
        return own if self._is_defined(own) or self.global_of(f"{module.name}.{head}") else dotted

    def _is_defined(self, name: str) -> bool:
        return name in self.classes or name in self.functions

    def _module_of(self, dotted: str) -> tuple[Module | None, str]:
        head, rest = dotted, ""
        while head:
            if head in self.modules:
                return self.modules[head], rest
            head, _, last = head.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
        return None, dotted

    def _read(self, name: str, path: Path) -> None:
        module = self.modules[name] = Module(name, str(path))
        tree = ast.parse(path.read_text(), str(path))
        for node in ast.walk(tree):
            module.imported.update(_imports(node))
        for statement in tree.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=target)], value=value):
                    module.assigned[target] = value
                case ast.AnnAssign(target=ast.Name(id=target), annotation=annotation):
                    module.annotated[target] = annotation
        self._define(tree.body, module, name, None, None)

    def _define(
        self,
        body: Iterable[ast.AST],
        module: Module,
        prefix: str,
        owner: Class | None,
        outer: Function | None,
    ) -> None:
        for node in body:
            match node:
                case ast.ClassDef():
                    self._define_class(node, module, prefix)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._define_function(node, module, prefix, owner, outer)
                case _:
                    self._define(ast.iter_child_nodes(node), module, prefix, owner, outer)

    def _define_class(self, node: ast.ClassDef, module: Module, prefix: str) -> None:
        defined = Class(f"{prefix}.{node.name}", node, module)
        self.classes[defined.name] = defined
        for statement in node.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=target)], value=value):
                    defined.assigned.setdefault(target, []).append((None, value))
                case ast.AnnAssign(target=ast.Name(id=target), annotation=annotation):
                    defined.annotated[target] = annotation
        self._define(node.body, module, defined.name, defined, None)

    def _define_function(
        self, node: FunctionNode, module: Module, prefix: str, owner: Class | None, outer: Function | None
    ) -> None:
        defined = Function(f"{prefix}.{node.name}", node, module, owner, outer)
        if owner and (node.name not in owner.methods or not defined.decorators & {"setter", "overload"}):
            owner.methods[node.name] = defined
        if outer:
            outer.inner[node.name] = defined
        self.functions.setdefault(defined.name, defined)
        for inside in defined.nodes():
            if owner:
                _note_attribute(owner, defined, inside)
        self._define(node.body, module, f"{defined.name}.<locals>", None, defined)


def _note_attribute(owner: Class, method: Function, node: ast.AST) -> None:
    match node:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
            owner.assigned.setdefault(name, []).append((method, value))
        case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=annotation):
            owner.annotated[name] = annotation


def _imports(node: ast.AST) -> dict[str, str]:
    match node:
        case ast.Import(names=names):
            return {
                one.asname or one.name.partition(".")[0]: one.name
                if one.asname
                else one.name.partition(".")[0]
                for one in names
            }
        case ast.ImportFrom(module=str(module), names=names, level=0):
            return {one.asname or one.name: f"{module}.{one.name}" for one in names}
    return {}


def _modules_below(name: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(name)
    assert spec is not None, name
    assert spec.origin is not None, name
    origin = Path(spec.origin)
    if origin.name != "__init__.py":
        yield name, origin
        return
    for path in sorted(origin.parent.rglob("*.py")):
        parts = path.relative_to(origin.parent).with_suffix("").parts
        yield ".".join((name, *(part for part in parts if part != "__init__"))), path
