"""What an expression may be, as far as annotations, constructors and assignments say it plainly."""

import ast
import builtins
from collections.abc import Iterable
from functools import cached_property

from tests.proofs.blocking.annotations import UNKNOWN, Annotations, Value, Values
from tests.proofs.blocking.source_index import Function, Module, NestedScope, SourceIndex

ELEMENTS = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "deque", "defaultdict", "Sequence", "Iterable", "Iterator"}
    | {"Collection", "Mapping", "Set", "Generator", "MutableMapping", "AsyncIterator", "AsyncIterable"}
    | {"AsyncGenerator", "Awaitable", "Coroutine", "Queue", "Future", "Task", "ContextVar"}
)
OF_ELEMENTS = frozenset({"get", "pop", "popleft", "popitem", "setdefault", "values", "items", "result"})


class Inference:
    """Looks at expressions inside functions. An empty answer: it is not said plainly."""

    def __init__(self, index: SourceIndex) -> None:
        self.index = index
        self.annotations = Annotations(index)
        self._locals: dict[Function, dict[str, list[ast.AST]]] = {}
        self._known: dict[tuple[int, str], Values] = {}
        self._under_way: set[tuple[int, str]] = set()

    def of(self, node: ast.expr, function: Function) -> Values:
        """What the expression may be, in the body of the function."""
        return self._once(node, function, function.module)

    def _once(self, node: ast.expr, function: Function | None, module: Module) -> Values:
        key = (id(node), function.name if function else module.name)
        if key in self._known:
            return self._known[key]
        if key in self._under_way:
            return UNKNOWN
        self._under_way.add(key)
        try:
            found = tuple(dict.fromkeys(self._look(node, function, module)))
        finally:
            self._under_way.discard(key)
        self._known[key] = found
        return found

    def _look(self, node: ast.expr, function: Function | None, module: Module) -> Iterable[Value]:
        def of(inner: ast.expr) -> Values:
            return self._once(inner, function, module)

        match node:
            case ast.Name(id="self" | "cls" as name) if function and (owner := function.self_class):
                return (Value("instance" if name == "self" else "class", owner.name),)
            case ast.Name(id=name):
                return self._named(name, function, module)
            case ast.Attribute(value=inner, attr=name):
                return [found for value in of(inner) for found in self.attribute(value, name)]
            case ast.Call(func=ast.Name(id="super")) if function and (owner := function.self_class):
                return [Value("instance", base.name) for base in self.index.bases(owner)]
            case ast.Call(func=called):
                return [found for value in of(called) for found in self.result(value)]
            case ast.Await(value=inner):
                return [found for value in of(inner) for found in value.arguments]
            case ast.Subscript(value=inner):
                return [found for value in of(inner) for found in value.arguments[-1:]]
            case ast.IfExp(body=one, orelse=other):
                return of(one) + of(other)
            case ast.BoolOp(values=several):
                return [found for each in several for found in of(each)]
            case ast.NamedExpr(value=inner) | ast.Starred(value=inner):
                return of(inner)
            case ast.List(elts=several) | ast.Tuple(elts=several) | ast.Set(elts=several):
                return (
                    Value("instance", "list", tuple(found for each in several for found in of(each))[:1]),
                )
            case ast.Dict(values=several):
                return (
                    Value("instance", "dict", tuple(found for each in several for found in of(each))[:1]),
                )
            case ast.ListComp(elt=one) | ast.SetComp(elt=one) | ast.GeneratorExp(elt=one):
                return (Value("instance", "list", of(one)[:1]),)
            case ast.DictComp(value=one):
                return (Value("instance", "dict", of(one)[:1]),)
            case ast.Constant(value=value) if value is not None:
                return (Value("instance", type(value).__name__),)
            case ast.JoinedStr():
                return (Value("instance", "str"),)
            case ast.Compare():
                return (Value("instance", "bool"),)
            case ast.BinOp(left=left):
                return of(left)
        return UNKNOWN

    def attribute(self, value: Value, name: str) -> Values:
        """What ``value.name`` may be."""
        match value.form:
            case "module":
                return self._global(f"{value.name}.{name}")
            case "instance" | "class" if value.name in self.index.classes:
                return self._own_attribute(value, name)
            case "instance" if value.name.rpartition(".")[2] in ELEMENTS and name in OF_ELEMENTS:
                return (Value("method", f"{value.name}.{name}", value.arguments[-1:]),)
            case _:
                return (Value("method", f"{value.name}.{name}"),)

    def _own_attribute(self, value: Value, name: str) -> Values:
        found: list[Value] = []
        start = self.index.classes[value.name]
        line = self.index.line(start)
        for each in line:
            if name in each.methods:
                method = each.methods[name]
                found.extend(
                    self.annotations.returned(method)
                    if method.is_property
                    else [Value("function", method.name)]
                )
                break
            if name in each.annotated:
                found.extend(self.annotations.of(each.annotated[name], each.module, each))
                break
            if name in each.assigned:
                for method_or_none, expression in each.assigned[name]:
                    found.extend(self._once(expression, method_or_none, each.module))
                break
        for each in self.index.below(start):
            if name in each.methods and not each.methods[name].is_property:
                found.append(Value("function", each.methods[name].name))
        return tuple(found)

    def result(self, value: Value) -> Values:
        """What calling it gives."""
        match value.form:
            case "class":
                return (Value("instance", value.name),)
            case "function":
                return self.annotations.returned(self.index.functions[value.name])
            case "instance" if value.name in self.index.classes:
                return tuple(
                    found for call in self.attribute(value, "__call__") for found in self.result(call)
                )
            case "method" if value.arguments:
                return (*value.arguments, Value("awaitable", "", value.arguments))
            case "method":
                last = value.name.rpartition(".")[2]
                if last == "partial":
                    return UNKNOWN
                made = Value("instance", value.name if last[:1].isupper() else f"{value.name}()")
                return (made, Value("awaitable", "", (made,))) if not last[:1].isupper() else (made,)
        return UNKNOWN

    def _named(self, name: str, function: Function | None, module: Module) -> Values:
        scope = function
        while scope is not None:
            if name in scope.inner:
                return (Value("function", scope.inner[name].name),)
            if (bound := self._bindings(scope).get(name)) is not None:
                return tuple(found for binding in bound for found in self._bound(binding, scope))
            scope = scope.outer
        full = self.index.name_in(module, name)
        if full == name and name not in module.imported:
            if not hasattr(builtins, name):
                return UNKNOWN
            return (Value("method", name),)
        return self._global(full)

    def _global(self, dotted: str) -> Values:
        full = self.index.full_name(dotted)
        if full in self.index.modules:
            return (Value("module", full),)
        if full in self.index.classes:
            return (Value("class", full),)
        if full in self.index.functions:
            return (Value("function", full),)
        if found := self.index.global_of(full):
            module, name = found
            if name in module.annotated:
                return self.annotations.of(module.annotated[name], module)
            return self._once(module.assigned[name], None, module)
        head, _, last = full.rpartition(".")
        if head in self.index.classes:
            return self.attribute(Value("class", head), last)
        return (Value("method", full),) if self.index._module_of(full)[0] is None else UNKNOWN

    def _bindings(self, function: Function) -> dict[str, list[ast.AST]]:
        """Name of a local to what binds it."""
        if function not in self._locals:
            found: dict[str, list[ast.AST]] = {}
            for parameter in function.parameters:
                found.setdefault(parameter.arg, []).append(parameter)
            for node in function.nodes():
                if isinstance(node, NestedScope):
                    continue
                for name, binding in _binds(node):
                    found.setdefault(name, []).append(binding)
            self._locals[function] = found
        return self._locals[function]

    def _bound(self, binding: ast.AST, function: Function) -> Values:
        match binding:
            case ast.arg(annotation=annotation):
                if annotation is None:
                    return UNKNOWN
                return self.annotations.of(annotation, function.module, function.self_class)
            case ast.AnnAssign(annotation=annotation):
                return self.annotations.of(annotation, function.module, function.self_class)
            case ast.Assign(value=value) | ast.NamedExpr(value=value):
                return self.of(value, function)
            case ast.withitem(context_expr=expression):
                return tuple(
                    found for value in self.of(expression, function) for found in self.entered(value)
                )
            case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated) | ast.comprehension(iter=iterated):
                return tuple(found for value in self.of(iterated, function) for found in self.element(value))
        return UNKNOWN

    def entered(self, value: Value) -> Values:
        """What ``with`` gives of it."""
        if value.name == "contextmanager":
            return value.arguments
        if value.name in self.index.classes:
            ways = [self.attribute(value, name) for name in ("__enter__", "__aenter__")]
            given = [found for way in ways for call in way for found in self.result(call)]
            return tuple(
                one for found in given for one in (found.arguments if found.form == "awaitable" else (found,))
            )
        return (value,)

    def element(self, value: Value) -> Values:
        """What going through it gives."""
        if value.name in self.index.classes:
            ways = [self.attribute(value, name) for name in ("__iter__", "__aiter__")]
            return tuple(
                one for way in ways for call in way for found in self.result(call) for one in found.arguments
            )
        return value.arguments[:1]

    @cached_property
    def methods_by_name(self) -> dict[str, list[Function]]:
        """All methods of ours that are called so."""
        found: dict[str, list[Function]] = {}
        for each in self.index.classes.values():
            for name, method in each.methods.items():
                found.setdefault(name, []).append(method)
        return found


def _binds(node: ast.AST) -> Iterable[tuple[str, ast.AST]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            yield name, node
        case ast.Assign(targets=targets):
            for target in targets:
                yield from ((name, ast.Pass()) for name in _names(target))
        case ast.NamedExpr(target=ast.Name(id=name)):
            yield name, node
        case ast.withitem(optional_vars=ast.Name(id=name)):
            yield name, node
        case ast.For(target=target) | ast.AsyncFor(target=target) | ast.comprehension(target=target):
            single = isinstance(target, ast.Name)
            yield from ((name, node if single else ast.Pass()) for name in _names(target))
        case ast.ExceptHandler(name=str(name)):
            yield name, ast.Pass()


def _names(target: ast.AST) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
