"""What a definition and a call look like in each grammar, as tree-sitter queries.

A capture's name is the symbol's kind (``function``, ``class``, ...); ``scope`` only lends its name to what is inside
(a Rust ``impl``), and ``call`` is the identifier that is called.
"""

PYTHON = """
(function_definition) @function
(class_definition) @class
(module (expression_statement (assignment left: (identifier)) @constant))
(call function: [(identifier) @call (attribute attribute: (identifier) @call)])
"""

_WRAPPED_FUNCTION = """(variable_declarator
  name: (identifier)
  value: (call_expression
    function: [(identifier) (member_expression object: (identifier) @_library)]
    arguments: (arguments [(arrow_function) (function_expression)]))
  (#match? @_library "^[A-Z_$]")) @function"""
"""What a function is given to and comes back from: ``memo(...)``, ``React.forwardRef(...)``; ``items.map(...)`` is none."""

_ECMASCRIPT = f"""
(program [
  (lexical_declaration {_WRAPPED_FUNCTION})
  (export_statement (lexical_declaration {_WRAPPED_FUNCTION}))])
[(function_declaration) (generator_function_declaration)] @function
(class_declaration) @class
(method_definition) @method
(variable_declarator
  name: (identifier) value: [(arrow_function) (function_expression) (generator_function)]) @function
(assignment_expression
  left: (member_expression property: (property_identifier))
  right: [(arrow_function) (function_expression) (generator_function)]) @function
(pair key: (property_identifier) value: [(arrow_function) (function_expression)]) @function
(program [
  (lexical_declaration (variable_declarator name: (identifier)) @constant)
  (variable_declaration (variable_declarator name: (identifier)) @constant)
  (export_statement (lexical_declaration (variable_declarator name: (identifier)) @constant))])
(call_expression function: [
  (identifier) @call
  (member_expression property: [(property_identifier) (private_property_identifier)] @call)])
"""

_COMPONENT = """name: [
  (identifier) @call
  (member_expression property: (property_identifier) @call)]
  (#match? @call "^[A-Z]")"""

_JSX = f"""
(jsx_opening_element {_COMPONENT})
(jsx_self_closing_element {_COMPONENT})
"""

JAVASCRIPT = (
    _ECMASCRIPT
    + _JSX
    + """
(field_definition property: (property_identifier) value: [(arrow_function) (function_expression)]) @method
(new_expression constructor: [(identifier) @call (member_expression property: (property_identifier) @call)])
"""
)

TYPESCRIPT = (
    _ECMASCRIPT
    + """
(call_expression function: [
  (await_expression [(identifier) @call (member_expression property: (property_identifier) @call)])
  (non_null_expression [(identifier) @call (member_expression property: (property_identifier) @call)])])
(abstract_class_declaration) @class
(interface_declaration) @interface
(type_alias_declaration) @type
(enum_declaration) @enum
[(internal_module) (module)] @module
(function_signature) @function
[(method_signature) (abstract_method_signature)] @method
(public_field_definition name: (property_identifier) value: [(arrow_function) (function_expression)]) @method
(new_expression constructor: [(identifier) @call (member_expression property: (property_identifier) @call)])
"""
)

TSX = TYPESCRIPT + _JSX

GO = """
(function_declaration) @function
(method_declaration) @method
(method_elem) @method
(type_spec type: (struct_type)) @struct
(type_spec type: (interface_type)) @interface
(type_spec type: [
  (type_identifier) (qualified_type) (pointer_type) (function_type) (map_type) (slice_type)
  (array_type) (channel_type) (generic_type)]) @type
(type_alias) @type
(source_file (const_declaration (const_spec) @constant))
(source_file (var_declaration [(var_spec) @constant (var_spec_list (var_spec) @constant)]))
(call_expression function: [
  (identifier) @call
  (selector_expression field: (field_identifier) @call)
  (index_expression operand: [(identifier) @call (selector_expression field: (field_identifier) @call)])])
(type_conversion_expression type: (generic_type type: [
  (type_identifier) @call
  (qualified_type name: (type_identifier) @call)]))
"""

RUST = """
[(function_item) (function_signature_item)] @function
[(struct_item) (union_item)] @struct
(enum_item) @enum
(trait_item) @trait
(mod_item body: (_)) @module
[(type_item) (associated_type)] @type
[(const_item) (static_item)] @constant
(macro_definition) @function
(impl_item) @scope
(call_expression function: [
  (identifier) @call
  (field_expression field: (field_identifier) @call)
  (scoped_identifier name: (identifier) @call)
  (generic_function function: [
    (identifier) @call
    (field_expression field: (field_identifier) @call)
    (scoped_identifier name: (identifier) @call)])])
(macro_invocation macro: [(identifier) @call (scoped_identifier name: (identifier) @call)])
(token_tree (identifier) @call . (token_tree) @_arguments (#match? @_arguments "^[(]"))
"""

JAVA = """
[(class_declaration) (record_declaration)] @class
[(interface_declaration) (annotation_type_declaration)] @interface
(enum_declaration) @enum
[(method_declaration) (constructor_declaration) (compact_constructor_declaration)] @method
(field_declaration (modifiers "static" "final")) @constant
(constant_declaration) @constant
(method_invocation name: (identifier) @call)
(method_reference (_) (identifier) @call)
(object_creation_expression type: [
  (type_identifier) @call
  (scoped_type_identifier (type_identifier) @call .)
  (generic_type [(type_identifier) @call (scoped_type_identifier (type_identifier) @call .)])])
"""

_GLOBALS = """[
  (translation_unit (declaration declarator: (init_declarator)) @constant)
  (preproc_ifdef (declaration declarator: (init_declarator)) @constant)
  (preproc_if (declaration declarator: (init_declarator)) @constant)
  (declaration_list (declaration declarator: (init_declarator)) @constant)]"""
"""What has a value outside of functions, where it may stand."""

C = f"""
{_GLOBALS}
(function_definition) @function
(struct_specifier name: (_) body: (_)) @struct
(union_specifier name: (_) body: (_)) @struct
(enum_specifier name: (_) body: (_)) @enum
(type_definition) @type
(preproc_def) @constant
(preproc_function_def) @function
(call_expression function: [(identifier) @call (field_expression field: (field_identifier) @call)])
"""

CPP = f"""
{_GLOBALS}
(function_definition) @function
(field_declaration
  declarator: [
    (function_declarator)
    (pointer_declarator (function_declarator))
    (reference_declarator (function_declarator))]
  default_value: (number_literal)) @method
(class_specifier name: (_) body: (_)) @class
[(struct_specifier name: (_) body: (_)) (union_specifier name: (_) body: (_))] @struct
(enum_specifier name: (_) body: (_)) @enum
(namespace_definition name: (_)) @module
[(type_definition) (alias_declaration)] @type
(concept_definition) @type
(preproc_def) @constant
(preproc_function_def) @function
(call_expression function: [
  (identifier) @call
  (field_expression field: (field_identifier) @call)
  (field_expression field: (template_method name: (field_identifier) @call))
  (field_expression field: (dependent_name (template_method name: (field_identifier) @call)))
  (template_function name: (identifier) @call)
  (qualified_identifier name: [
    (identifier) @call
    (template_function name: (identifier) @call)
    (qualified_identifier name: [
      (identifier) @call
      (template_function name: (identifier) @call)
      (qualified_identifier name: [
        (identifier) @call
        (template_function name: (identifier) @call)
        (qualified_identifier name: [(identifier) @call (template_function name: (identifier) @call)])])])])])
(new_expression type: [
  (type_identifier) @call
  (template_type name: (type_identifier) @call)
  (qualified_identifier name: [(type_identifier) @call (template_type name: (type_identifier) @call)])])
"""

RUBY = """
(module) @module
(class) @class
(method) @function
(singleton_method) @method
(assignment left: (constant)) @constant
(call method: [(identifier) (constant)] @call)
"""

PHP = """
(class_declaration) @class
(interface_declaration) @interface
(trait_declaration) @trait
(enum_declaration) @enum
(function_definition) @function
(method_declaration) @method
(const_declaration (const_element) @constant)
(function_call_expression function: [(name) @call (qualified_name (name) @call)])
(member_call_expression name: (name) @call)
(nullsafe_member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(object_creation_expression [(name) @call (qualified_name (name) @call)])
"""

CSHARP = """
[(class_declaration) (record_declaration)] @class
(struct_declaration) @struct
(interface_declaration) @interface
(enum_declaration) @enum
[(namespace_declaration) (file_scoped_namespace_declaration)] @module
(delegate_declaration) @type
[(method_declaration) (constructor_declaration) (property_declaration)] @method
(local_function_statement) @function
(field_declaration (modifier) @_const (#eq? @_const "const")) @constant
(field_declaration
  (modifier) @_static (modifier) @_readonly (#eq? @_static "static") (#eq? @_readonly "readonly")) @constant
(invocation_expression function: [
  (identifier) @call
  (generic_name (identifier) @call)
  (member_access_expression name: [(identifier) @call (generic_name (identifier) @call)])
  (conditional_access_expression
    (member_binding_expression name: [(identifier) @call (generic_name (identifier) @call)]))])
(object_creation_expression type: [
  (identifier) @call
  (generic_name (identifier) @call)
  (qualified_name name: [(identifier) @call (generic_name (identifier) @call)])])
"""
