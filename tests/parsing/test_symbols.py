"""What is found in each language: the same story told eleven times, and what is peculiar to each."""

from textwrap import dedent

import pytest

from riverrun.parsing.languages import LANGUAGES, language_in, language_of
from riverrun.parsing.symbols import Extraction, FoundSymbol, extract


def found_in(path: str, source: str) -> Extraction:
    return extract(LANGUAGES[language_of(path) or ""], dedent(source).lstrip("\n").encode())


def by_name(extraction: Extraction) -> dict[str, FoundSymbol]:
    return {symbol.qualified_name: symbol for symbol in extraction.symbols}


STORIES = {
    "box.py": (
        """
        class Box(Shape):
            '''A box.'''

            def area(self, width):
                '''Its area.'''
                return compute(width)
        """,
        "class",
    ),
    "box.js": (
        """
        /** A box. */
        export class Box extends Shape {
          /** Its area. */
          area(width) { return compute(width); }
        }
        """,
        "class",
    ),
    "box.ts": (
        """
        // A box.
        export class Box extends Shape {
          // Its area.
          area(width: number): number { return compute(width); }
        }
        """,
        "class",
    ),
    "box.tsx": (
        """
        // A box.
        export class Box extends Shape {
          // Its area.
          area(width: number) { return <Area value={compute(width)} />; }
        }
        """,
        "class",
    ),
    "box.go": (
        """
        package main

        // A box.
        type Box struct{ width int }

        // Its area.
        func (b *Box) area(width int) int { return compute(width) }
        """,
        "struct",
    ),
    "box.rs": (
        """
        /// A box.
        #[derive(Debug)]
        pub struct Box { width: i32 }

        impl Shape for Box {
            /// Its area.
            fn area(&self, width: i32) -> i32 { compute(width) }
        }
        """,
        "struct",
    ),
    "Box.java": (
        """
        /** A box. */
        public class Box extends Shape {
          /** Its area. */
          int area(int width) { return compute(width); }
        }
        """,
        "class",
    ),
    "box.cpp": (
        """
        // A box.
        class Box : public Shape {
         public:
          // Its area.
          int area(int width) const { return compute(width); }
        };
        """,
        "class",
    ),
    "box.rb": (
        """
        # A box.
        class Box < Shape
          # Its area.
          def area(width)
            compute(width)
          end
        end
        """,
        "class",
    ),
    "box.php": (
        """
        <?php
        /** A box. */
        class Box extends Shape {
            /** Its area. */
            public function area(int $width) { return compute($width); }
        }
        """,
        "class",
    ),
    "Box.cs": (
        """
        /// <summary>A box.</summary>
        public class Box : Shape {
          /// <summary>Its area.</summary>
          public int Area(int width) { return compute(width); }
        }
        """,
        "class",
    ),
}


@pytest.mark.parametrize("path", STORIES)
def test_a_class_its_method_their_comments_and_the_call_inside_are_found(path: str) -> None:
    source, kind = STORIES[path]
    extraction = found_in(path, source)
    symbols = {name.lower(): symbol for name, symbol in by_name(extraction).items()}
    box, area = symbols["box"], symbols["box.area"]
    assert (box.kind, box.docstring) == (kind, "A box.")
    assert (area.kind, area.docstring, area.name.lower()) == ("method", "Its area.", "area")
    assert "area" in area.signature.lower()
    assert "width" in area.signature
    assert "compute" not in area.signature
    assert box.start_line < area.start_line <= area.end_line
    assert [(call.caller, call.name) for call in extraction.calls if call.name == "compute"] == [
        (area.qualified_name, "compute")
    ]


def test_c_has_functions_structs_and_macros() -> None:
    extraction = found_in(
        "box.c",
        """
        #define LIMIT 3
        #define LARGER(a, b) ((a) > (b) ? (a) : (b))
        /* A box. */
        struct box { int width; };
        typedef struct { int x; } point_t;

        // Its area.
        static int *area(struct box *b) { return compute(b->width); }
        """,
    )
    assert [(symbol.kind, symbol.name) for symbol in extraction.symbols] == [
        ("constant", "LIMIT"),
        ("function", "LARGER"),
        ("struct", "box"),
        ("type", "point_t"),
        ("function", "area"),
    ]
    symbols = by_name(extraction)
    assert symbols["box"].docstring == "A box."
    assert symbols["area"].docstring == "Its area."
    assert symbols["area"].signature == "static int *area(struct box *b)"


@pytest.mark.parametrize(
    ("content", "language"),
    [
        (b"struct box { int class; };\nint using(void);\nclass box *of(void);\n", "c"),
        (b"/*\nusing the queue\nclass of errors\nnamespace for x\n*/\n", "c"),
        (b"#pragma once\nnamespace geo::flat\n{\n", "cpp"),
        (b"class GEO_API Box final\n{\n", "cpp"),
        (b"class Waterbuck : public Base {\n", "cpp"),
        (b"struct Box {\n  private:\n", "cpp"),
        (b"template <typename T>\nT cast(T x);\n", "cpp"),
        (b"using Size = int;\n", "cpp"),
    ],
)
def test_a_header_is_of_the_language_that_is_in_it(content: bytes, language: str) -> None:
    assert language_in("src/Box.h", content) == language
    assert language_in("src/box.c", content) == "c"


def test_a_name_without_a_dot_has_no_suffix() -> None:
    assert [language_of(path) for path in ("bin/go", "c", "a/Makefile", "x.go")] == [None, None, "make", "go"]


def test_a_pythons_range_takes_in_its_decorators() -> None:
    symbols = by_name(
        found_in(
            "a.py",
            """
            @register("x")
            @cached
            async def load(key: str,
                           *, again: bool = False) -> bytes:
                return b""
            """,
        )
    )
    load = symbols["load"]
    assert (load.start_line, load.end_line) == (1, 5)
    assert load.signature == "async def load(key: str, *, again: bool = False) -> bytes"


def test_a_function_inside_a_function_is_local_and_names_its_parents() -> None:
    symbols = by_name(
        found_in("a.py", "class A:\n    def m(self):\n        def inner():\n            pass\n")
    )
    assert symbols["A.m.inner"].kind == "function"
    assert symbols["A.m.inner"].is_local
    assert not symbols["A.m"].is_local


def test_module_level_names_are_constants_and_the_modules_docstring_is_kept() -> None:
    extraction = found_in("a.py", "'''What it is for.'''\nLIMIT = 3\nif True:\n    local = 1\n")
    assert [symbol.name for symbol in extraction.symbols] == ["LIMIT"]
    assert extraction.docstring == "What it is for."


def test_a_call_is_listed_once_a_caller_at_its_first_line() -> None:
    extraction = found_in("a.py", "run()\nrun()\ndef f():\n    x.y.run(run())\n    run()\n")
    assert [(call.caller, call.name, call.line) for call in extraction.calls] == [
        ("", "run", 1),
        ("f", "run", 4),
    ]


def test_functions_in_javascripts_variables_have_their_names() -> None:
    symbols = by_name(
        found_in(
            "a.js",
            """
            export const square = (x) => multiply(x, x);
            exports.cube = function (x) { return x; };
            const table = { draw() { paint(); }, erase: () => wipe() };
            class Door { open = async () => { creak(); }; }
            """,
        )
    )
    assert {name for name, symbol in symbols.items() if symbol.kind in ("function", "method")} >= {
        "square",
        "cube",
        "Door.open",
    }
    assert symbols["square"].signature == "square = (x) =>"


def test_typescripts_own_kinds_are_told_apart() -> None:
    extraction = found_in(
        "a.ts",
        """
        interface Shape { area(): number; }
        type Id = string | number;
        enum Color { Red }
        namespace Inner { export function f() {} }
        abstract class A { abstract run(): void; }
        """,
    )
    assert [(symbol.kind, symbol.qualified_name) for symbol in extraction.symbols] == [
        ("interface", "Shape"),
        ("method", "Shape.area"),
        ("type", "Id"),
        ("enum", "Color"),
        ("module", "Inner"),
        ("function", "Inner.f"),
        ("class", "A"),
        ("method", "A.run"),
    ]


def test_a_function_that_javascript_wraps_is_one_and_what_is_made_of_a_list_is_none() -> None:
    extraction = found_in(
        "a.tsx",
        """
        const Row = memo(({ id }) => <tr />);
        /** A field. */
        export const Field = React.forwardRef<Input, Props>(function (props, ref) { return draw(props); });
        export const ids = items.map((item) => item.id);
        """,
    )
    assert [(symbol.kind, symbol.name) for symbol in extraction.symbols] == [
        ("function", "Row"),
        ("function", "Field"),
        ("constant", "ids"),
    ]
    assert by_name(extraction)["Field"].docstring == "A field."


def test_components_are_called_where_they_stand_and_tags_of_html_are_not() -> None:
    for path in ("a.jsx", "a.tsx"):
        extraction = found_in(path, "const App = () => <div><Layout.Main><Icon /></Layout.Main></div>;")
        assert [(call.caller, call.name) for call in extraction.calls] == [("App", "Main"), ("App", "Icon")]


def test_a_function_that_javascript_assigns_is_named_with_what_it_belongs_to() -> None:
    extraction = found_in(
        "a.js",
        """
        Box.prototype.area = function () {};
        Box.unit = () => 1;
        exports.run = () => 2;
        module.exports.walk = () => 3;
        """,
    )
    assert [symbol.qualified_name for symbol in extraction.symbols] == ["Box.area", "Box.unit", "run", "walk"]


def test_a_decorated_class_that_is_exported_keeps_its_comment() -> None:
    symbols = by_name(
        found_in(
            "a.ts", "/** Serves. */\n@Injectable()\nexport class Service {}\nexport const a = 1, b = 2;\n"
        )
    )
    service = symbols["Service"]
    assert (service.docstring, service.start_line, service.text_start_line) == ("Serves.", 2, 1)
    assert symbols["b"].docstring == ""


def test_the_signature_of_a_field_that_is_a_function_ends_before_its_body() -> None:
    symbols = by_name(found_in("a.ts", "class Box { open = async (e: Event) => { this.fire(e); }; }"))
    assert symbols["Box.open"].signature == "open = async (e: Event) =>"


def test_gos_interfaces_types_and_generic_receivers_are_found() -> None:
    extraction = found_in(
        "a.go",
        "package p\ntype Shape interface{ Area() int }\ntype ID string\nfunc (l *List[T]) Len() int { return 0 }\n",
    )
    assert [(symbol.kind, symbol.qualified_name) for symbol in extraction.symbols] == [
        ("interface", "Shape"),
        ("method", "Shape.Area"),
        ("type", "ID"),
        ("method", "List.Len"),
    ]


def test_rusts_attributes_belong_to_the_range_and_inner_docs_to_nobody() -> None:
    symbols = by_name(
        found_in(
            "a.rs",
            "//! The crate.\n/// Said.\n#[test]\n#[ignore]\nfn checks() { assert_eq!(1, run::<u8>()); }\n",
        )
    )
    checks = symbols["checks"]
    assert (checks.start_line, checks.end_line, checks.text_start_line) == (3, 5, 2)
    assert checks.docstring == "Said."


def test_calls_inside_of_rusts_macros_are_found() -> None:
    extraction = found_in(
        "a.rs", "fn checks() { assert_eq!(run(1), Box::open(), vec![left], match x { _ => 1 }); }"
    )
    assert [call.name for call in extraction.calls] == ["assert_eq", "run", "open"]


def test_the_lines_of_a_rust_comment_are_one_paragraph() -> None:
    symbols = by_name(found_in("a.rs", "/// Reads a file.\n/// Slowly.\n///\n/// Twice.\nfn read() {}\n"))
    assert symbols["read"].docstring == "Reads a file.\nSlowly.\n\nTwice."


def test_a_method_defined_outside_its_class_keeps_its_qualifier() -> None:
    symbols = by_name(
        found_in(
            "a.cpp",
            "template <typename T>\nBox<T>::Box(T w) { init(w); }\nint geo::Area::of() { return 1; }\n",
        )
    )
    assert symbols["Box.Box"].start_line == 1
    assert symbols["geo.Area.of"].name == "of"


def test_what_has_a_value_outside_of_functions_is_found_in_c_and_pointers_to_functions_by_their_names() -> (
    None
):
    extraction = found_in(
        "a.c",
        """
        #ifdef HAVE_BOX
        static const struct ops box_ops = { .open = open_box };
        #endif
        extern int shared;
        typedef int (*box_fn)(int);
        void (*signal(int number, void (*handler)(int)))(int) { int local = 1; return 0; }
        """,
    )
    assert [(symbol.kind, symbol.name) for symbol in extraction.symbols] == [
        ("constant", "box_ops"),
        ("type", "box_fn"),
        ("function", "signal"),
    ]


def test_cs_plus_plus_names_what_others_have_to_define_and_its_constants() -> None:
    extraction = found_in(
        "a.cpp",
        """
        namespace shapes {
        constexpr int most = 5;
        class Shape {
          int sides = 0;
          // Its area.
          virtual double area() const = 0;
          virtual Shape& largest() = 0;
          bool operator<=>(const Shape&) const = default;
        };
        }
        """,
    )
    assert [(symbol.kind, symbol.qualified_name) for symbol in extraction.symbols] == [
        ("module", "shapes"),
        ("constant", "shapes.most"),
        ("class", "shapes.Shape"),
        ("method", "shapes.Shape.area"),
        ("method", "shapes.Shape.largest"),
        ("method", "shapes.Shape.operator<=>"),
    ]


def test_javas_constants_of_interfaces_and_the_methods_that_it_refers_to_are_found() -> None:
    extraction = found_in(
        "a.java",
        "interface Sizes { int MOST = 1; default void all() { boxes.map(Box::area).map(Box::new); } }",
    )
    assert [symbol.qualified_name for symbol in extraction.symbols] == ["Sizes", "Sizes.MOST", "Sizes.all"]
    assert [call.name for call in extraction.calls] == ["map", "area"]


CALLS = [
    (
        "a.ts",
        "async function f() { await api.get<User>('/x'); await run<string>(); done!(); a.b!(); }",
        "get run done b",
    ),
    (
        "a.go",
        "package p\nfunc f() { Get[User](1); NewSet[string](); h.Do[int](1); lo.Map[int, string](xs) }",
        "Get NewSet Do Map",
    ),
    (
        "a.java",
        "class C { void m() { new Outer.Inner(); new Maps.Entry<>(1); new Box<>(); } }",
        "Inner Entry Box",
    ),
    ("a.cs", "class C { void M() { new A.B.Inner(); new A.Entry<int>(); new Box(); } }", "Inner Entry Box"),
    (
        "a.cpp",
        "void f() { std::chrono::clock::now(); a::b::c(1); a::b::d<int>(2); o.m<int>(); this->template t<int>(); "
        "new ns::R(2); new ns::Q<int>(2); new V<int>(1); ns::g(); h<int>(); }",
        "now c d m t R Q V g h",
    ),
]


@pytest.mark.parametrize(("path", "source", "names"), CALLS)
def test_calls_with_type_arguments_and_long_qualifiers_are_found(path: str, source: str, names: str) -> None:
    assert [call.name for call in found_in(path, source).calls] == names.split()


def test_a_namespace_without_braces_holds_the_rest_of_its_file() -> None:
    extraction = found_in("a.cs", "namespace X.Y;\n\nclass A { void M() {} }\nclass B {}\n")
    assert [symbol.qualified_name for symbol in extraction.symbols] == ["X.Y", "X.Y.A", "X.Y.A.M", "X.Y.B"]
    assert extraction.symbols[0].end_line == 1


def test_rubys_classes_keep_the_modules_in_their_names_and_operators_are_methods() -> None:
    extraction = found_in("a.rb", "class Shapes::Box\n  def <=>(other) = 0\nend\n")
    assert [symbol.qualified_name for symbol in extraction.symbols] == ["Shapes.Box", "Shapes.Box.<=>"]


def test_c_sharps_read_only_statics_are_constants_and_calls_behind_a_question_mark_count() -> None:
    extraction = found_in(
        "a.cs",
        "class Box { public static readonly int Most = 6; readonly int one; int Area() => shape?.Side<int>(1)?.Square(); }",
    )
    assert [(symbol.kind, symbol.name) for symbol in extraction.symbols] == [
        ("class", "Box"),
        ("constant", "Most"),
        ("method", "Area"),
    ]
    assert sorted(call.name for call in extraction.calls) == ["Side", "Square"]


def test_a_comment_behind_code_or_above_a_gap_is_no_docstring() -> None:
    symbols = by_name(
        found_in(
            "a.c", "int x; // about x\nint f(void) { return 1; }\n\n// far\n\nint g(void) { return 2; }\n"
        )
    )
    assert symbols["f"].docstring == ""
    assert symbols["g"].docstring == ""


def test_text_beyond_ascii_keeps_names_and_lines_right() -> None:
    extraction = found_in(
        "a.py", "größe = 'ä🙂'\ndef über(straße):\n    '''Köln 🙂.'''\n    return naïve(straße)\n"
    )
    symbols = by_name(extraction)
    assert symbols["über"].docstring == "Köln 🙂."
    assert symbols["über"].signature == "def über(straße)"
    assert [(call.caller, call.name, call.line) for call in extraction.calls] == [("über", "naïve", 4)]


@pytest.mark.parametrize("path", [*STORIES, "a.c"])
def test_broken_code_gives_what_can_be_made_out(path: str) -> None:
    source, _ = STORIES.get(path, ("int f( { \n", ""))
    for end in range(0, len(source), 7):
        extract(LANGUAGES[language_of(path) or ""], source[:end].encode())
    extract(LANGUAGES[language_of(path) or ""], b"\xff\xfe\x00(((((" * 50)


def test_very_deep_nesting_ends() -> None:
    for language in LANGUAGES.values():
        extract(language, b"(" * 20_000)
        extract(language, b"{" * 20_000)
        extract(language, b"a(" * 5_000 + b")" * 5_000)
