"""What annotations say of parameters, variables and results."""

import ast
from dataclasses import dataclass

from tests.proofs.blocking.source_index import Class, Function, Module, SourceIndex


@dataclass(frozen=True)
class Value:
    """``form``: instance, class, function, method (bound), module or awaitable; ``name``: whose, in full."""

    form: str
    name: str
    arguments: tuple["Value", ...] = ()


Values = tuple[Value, ...]
UNKNOWN: Values = ()


class Annotations:
    """Reads them where they stand. An empty answer: nothing that is of use here."""

    def __init__(self, index: SourceIndex) -> None:
        self._index = index

    def of(self, node: ast.expr, module: Module, owner: Class | None = None) -> Values:
        """The instances an annotation allows."""

        def of(inner: ast.expr) -> Values:
            return self.of(inner, module, owner)

        match node:
            case ast.Constant(value=str(text)):
                return of(ast.parse(text, mode="eval").body)
            case ast.Constant():
                return UNKNOWN
            case ast.BinOp(left=left, right=right):
                return of(left) + of(right)
            case ast.Name(id="Self") if owner:
                return (Value("instance", owner.name),)
            case ast.Subscript(value=outer, slice=inside):
                return self._parametrised(outer, inside, module, owner)
            case ast.Name() | ast.Attribute():
                full = self._index.name_in(module, ast.unparse(node))
                if found := self._index.global_of(full):
                    there, name = found
                    alias = there.assigned.get(name)
                    return self.of(alias, there) if alias is not None and not _is_newtype(alias) else UNKNOWN
                return (Value("instance", full),) if full not in _TYPELESS else UNKNOWN
        return UNKNOWN

    def returned(self, function: Function) -> Values:
        """What a call of it gives: for a coroutine something to wait for, for a context manager something to enter."""
        if function.node.returns is None:
            return UNKNOWN
        plain = self.of(function.node.returns, function.module, function.self_class)
        if function.decorators & {"contextmanager", "asynccontextmanager"}:
            yielded = tuple(found for value in plain for found in value.arguments[:1])
            return (Value("instance", "contextmanager", yielded),)
        if function.is_async and not function.is_generator:
            return (Value("awaitable", "", plain),)
        return plain

    def _parametrised(self, outer: ast.expr, inside: ast.expr, module: Module, owner: Class | None) -> Values:
        parts = list(inside.elts) if isinstance(inside, ast.Tuple) else [inside]
        name = ast.unparse(outer).rpartition(".")[2]
        if name in {"Annotated", "Final", "ClassVar"}:
            return self.of(parts[0], module, owner)
        if name in {"Optional", "Union"}:
            return tuple(found for part in parts for found in self.of(part, module, owner))
        if name == "type":
            return tuple(Value("class", each.name) for each in self.of(parts[0], module, owner))
        of_parts = [self.of(part, module, owner) for part in parts]
        if name in {"AsyncGenerator", "Generator", "AsyncIterator"}:
            of_parts = of_parts[:1]
        if name in {"Awaitable", "Coroutine"}:
            return (Value("awaitable", "", of_parts[-1]),)
        if name == "Callable":
            return (Value("instance", "callable"),)
        arguments = tuple(found for values in of_parts for found in values[:1])
        return tuple(Value(each.form, each.name, arguments) for each in self.of(outer, module, owner))


_TYPELESS = frozenset({"typing.Any", "object", "None", "Any"})


def _is_newtype(node: ast.expr) -> bool:
    return isinstance(node, ast.Call)
